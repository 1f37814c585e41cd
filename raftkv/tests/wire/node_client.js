// A unary call with Node's own HTTP/2, as @grpc/grpc-js makes it: several, one with a large message.
const http2 = require("http2");
const [, , port, count, size] = process.argv.map(Number);
const session = http2.connect(`http://127.0.0.1:${port}`);
session.on("error", (error) => { console.error(error); process.exit(1); });
let left = count;
for (let number = 0; number < count; number++) {
  const stream = session.request({
    ":method": "POST", ":path": "/test.Test/Echo", "content-type": "application/grpc+proto",
    te: "trailers", "grpc-timeout": `${9000 + number}m`, "grpc-accept-encoding": "identity,gzip",
  });
  const message = Buffer.alloc(5 + size, number);
  message.writeUInt8(0, 0);
  message.writeUInt32BE(size, 1);
  const pieces = [];
  let trailers = {};
  stream.on("data", (piece) => pieces.push(piece));
  stream.on("trailers", (fields) => { trailers = fields; });
  stream.on("close", () => {
    const same = Buffer.concat(pieces).equals(message);
    if (trailers["grpc-status"] !== "0" || !same) process.exit(2);
    if (--left === 0) { console.log("all well"); session.close(); }
  });
  stream.end(message);
}
