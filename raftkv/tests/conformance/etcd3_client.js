// A program over npm's etcd3: keys, transactions, a watch, a lease. Prints what it saw as JSON.
const { Etcd3 } = require("etcd3");

const client = new Etcd3({ hosts: `http://${process.argv[2]}` });
const said = [];

async function keys() {
  await client.delete().prefix("node/");
  await client.put("node/a").value("1");
  await client.put("node/b").value("2");
  said.push(await client.get("node/a").string());
  said.push(await client.get("node/none").string());
  said.push(await client.getAll().prefix("node/").strings());
  said.push(await client.getAll().prefix("node/").sort("Key", "Descend").limit(1).keys());
  said.push((await client.delete().key("node/b").getPrevious()).map((kv) => kv.value.toString()));
}

async function transactions() {
  for (let round = 0; round < 2; round++) {
    const answer = await client
      .if("node/t", "Create", "==", 0)
      .then(client.put("node/t").value("won"))
      .else(client.get("node/t"))
      .commit();
    said.push([answer.succeeded, answer.responses.map((each) => each.response)]);
  }
}

async function watches() {
  const watcher = await client.watch().prefix("node/w").withPreviousKV().create();
  const events = new Promise((resolve) => {
    const seen = [];
    const note = (kind) => (kv, previous) => {
      seen.push([kind, kv.key.toString(), kv.value.toString(), previous && previous.value.toString()]);
      if (seen.length === 3) resolve(seen);
    };
    watcher.on("put", note("put")).on("delete", note("delete"));
  });
  await client.put("node/w").value("1");
  await client.put("node/w").value("2");
  await client.delete().key("node/w");
  said.push(await events);
  await watcher.cancel();
}

async function leases() {
  const lease = client.lease(60);
  await lease.put("node/l").value("leased");
  said.push((await client.get("node/l").exec()).kvs[0].lease === await lease.grant());
  said.push((await lease.keepaliveOnce()).TTL);
  await lease.revoke();
  said.push(await client.get("node/l").string());
  try {
    await client.put("node/l").value("late").lease("1234").exec();
  } catch (error) {
    said.push([error.constructor.name, error.message]);
  }
}

async function main() {
  await keys();
  await transactions();
  await watches();
  await leases();
  client.close();
  console.log(JSON.stringify(said));
}

main().catch((error) => { console.error(error); process.exit(1); });
