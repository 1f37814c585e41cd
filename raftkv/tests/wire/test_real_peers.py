"""Peers that are not ours, over loopback: grpcio, curl, nghttp, h2load, Node; with TLS too."""

import asyncio
import datetime as dt
import ipaddress
import shutil
import ssl
from collections.abc import Callable, Iterator
from pathlib import Path

import grpc
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from raftkv.config import WireConfig
from raftkv.tests.wire.adapter import calling, command, run, serving
from raftkv.tests.wire.raw_client import ECHO, FAIL, LATER, STREAM, grpc_message
from raftkv.wire import ALPN_PROTOCOL, Method, Routes, ServerStream, UnaryCall

pytestmark = pytest.mark.slow


def program(name: str) -> pytest.MarkDecorator:
    return pytest.mark.skipif(shutil.which(name) is None, reason=f"{name} is not installed")


def echo_stream(stream: ServerStream) -> None:
    stream.on_message = stream.send
    stream.on_half_close = stream.finish


def never(call: UnaryCall, message: bytes) -> None:
    """Leaves the call to its deadline."""
    del call, message


ROUTES: Routes = {
    ECHO: Method.unary(lambda call, message: call.reply(message)),
    FAIL: Method.unary(lambda call, _: call.fail(9, "100 % wrong: \u00e9")),
    LATER: Method.unary(never),
    STREAM: Method.stream(echo_stream),
}


def with_grpcio(
    work: Callable[[grpc.Channel], None],
    config: WireConfig | None = None,
    options: tuple[tuple[str, int], ...] = (),
) -> None:
    """Runs blocking work with a grpcio channel to our server."""

    async def main() -> None:
        async with serving(ROUTES, config) as port:

            def in_thread() -> None:
                with grpc.insecure_channel(f"127.0.0.1:{port}", options=options) as channel:
                    work(channel)

            await asyncio.to_thread(in_thread)

    run(main())


def failure(call: Callable[[], object]) -> tuple[grpc.StatusCode, str]:
    with pytest.raises(grpc.RpcError) as caught:
        call()
    return caught.value.code(), caught.value.details()


def test_grpcio_makes_unary_calls_of_all_sizes() -> None:
    def work(channel: grpc.Channel) -> None:
        echo = channel.unary_unary(ECHO)
        for size in (0, 1, 300, 16_379, 16_380, 100_000, 2_000_000):
            message = bytes(range(256)) * (size // 256) + bytes(size % 256)
            assert echo(message, timeout=10) == message
        for number in range(200):
            assert echo(b"%d" % number, timeout=10) == b"%d" % number
            assert echo(b"%d" % number) == b"%d" % number

    with_grpcio(work)


def test_grpcio_makes_many_calls_at_once() -> None:
    def work(channel: grpc.Channel) -> None:
        echo = channel.unary_unary(ECHO)
        calls = [echo.future(b"%05d" % number * 1_000, timeout=10) for number in range(500)]
        for number, call in enumerate(calls):
            assert call.result() == b"%05d" % number * 1_000

    with_grpcio(work)


def test_grpcio_understands_our_failures() -> None:
    def work(channel: grpc.Channel) -> None:
        status = grpc.StatusCode
        assert failure(lambda: channel.unary_unary(FAIL)(b"")) == (
            status.FAILED_PRECONDITION,
            "100 % wrong: \u00e9",
        )
        assert failure(lambda: channel.unary_unary("/no.Such/Method")(b"")) == (
            status.UNIMPLEMENTED,
            "unknown service no.Such",
        )
        assert failure(lambda: channel.unary_unary(ECHO)(bytes(1_001))) == (
            status.RESOURCE_EXHAUSTED,
            "grpc: received message larger than max (1001 vs. 1000)",
        )
        assert failure(lambda: channel.unary_unary(ECHO)(bytes(1_000_000)))[0] is (
            status.RESOURCE_EXHAUSTED
        )
        assert failure(lambda: channel.unary_unary(LATER)(b"", timeout=0.2))[0] is (
            status.DEADLINE_EXCEEDED
        )
        assert channel.unary_unary(ECHO)(b"still here") == b"still here"

    with_grpcio(work, WireConfig(message_bytes_max=1_000))


def test_grpcio_streams_both_ways() -> None:
    def work(channel: grpc.Channel) -> None:
        def requests() -> Iterator[bytes]:
            for number in range(300):
                yield b"%05d" % number * (number + 1)

        assert list(channel.stream_stream(STREAM)(requests(), timeout=10)) == list(requests())
        assert list(channel.unary_stream(STREAM)(b"once", timeout=10)) == [b"once"]
        assert channel.stream_unary(STREAM)(iter((b"once",)), timeout=10) == b"once"
        call = channel.stream_stream(STREAM)(iter((b"first",)))
        assert next(call) == b"first"
        call.cancel()

    with_grpcio(work)


def test_grpcio_sends_gzip() -> None:
    def work(channel: grpc.Channel) -> None:
        echo = channel.unary_unary(ECHO)
        message = b"compress me " * 1_000
        assert echo(message, compression=grpc.Compression.Gzip, timeout=10) == message
        code, text = failure(lambda: echo(message, compression=grpc.Compression.Deflate))
        assert code is grpc.StatusCode.UNIMPLEMENTED
        assert text == 'grpc: Decompressor is not installed for grpc-encoding "deflate"'

    with_grpcio(work)


def test_grpcio_pings_and_stays() -> None:
    """With calls open, a keepalive that the server's policy allows does no harm."""

    def work(channel: grpc.Channel) -> None:
        call = channel.stream_stream(STREAM)(iter((b"first",)))
        assert next(call) == b"first"
        for number in range(100):
            assert channel.unary_unary(ECHO)(b"%d" % number) == b"%d" % number

    with_grpcio(work, options=(("grpc.keepalive_time_ms", 100), ("grpc.http2.bdp_probe", 1)))


def test_our_client_and_grpcios_server_understand_each_other() -> None:
    class Handler(grpc.GenericRpcHandler):  # type: ignore[misc]
        def service(self, details: grpc.HandlerCallDetails) -> grpc.RpcMethodHandler | None:
            if details.method == ECHO:
                return grpc.unary_unary_rpc_method_handler(lambda request, _: request)
            if details.method == STREAM:
                return grpc.stream_stream_rpc_method_handler(lambda requests, _: requests)
            return None

    async def main() -> None:
        server = grpc.aio.server()
        server.add_generic_rpc_handlers((Handler(),))
        port = server.add_insecure_port("127.0.0.1:0")
        await server.start()
        async with calling(port) as client:
            done: asyncio.Queue[object] = asyncio.Queue()
            for size in (0, 5, 100_000):
                client.start_unary(
                    ECHO, bytes(size), lambda *reply: done.put_nowait(reply), timeout_ms=9_000
                )
                assert await done.get() == (0, "", bytes(size))
            client.start_unary("/no/Such", b"", lambda *reply: done.put_nowait(reply))
            assert (await done.get())[0] == 12  # type: ignore[index]
            stream = client.start_stream(
                STREAM, done.put_nowait, lambda code, _: done.put_nowait(code)
            )
            stream.send(b"one")
            assert await done.get() == b"one"
            stream.half_close()
            assert await done.get() == 0
        await server.stop(None)

    run(main())


def test_our_client_and_our_server_over_a_socket() -> None:
    async def main() -> None:
        async with serving(ROUTES) as port, calling(port) as client:
            done: asyncio.Queue[object] = asyncio.Queue()
            for number in range(2_000):
                client.start_unary(
                    ECHO, b"%d" % number, lambda *reply: done.put_nowait(reply), timeout_ms=9_000
                )
            for number in range(2_000):
                assert await done.get() == (0, "", b"%d" % number)

    run(main())


@program("curl")
def test_curl_speaks_http_2_with_prior_knowledge(tmp_path: Path) -> None:
    request = tmp_path / "request"
    request.write_bytes(grpc_message(b"hello"))

    async def main() -> None:
        async with serving(ROUTES) as port:
            base = f"http://127.0.0.1:{port}"
            curl = ("curl", "-sS", "-i", "--http2-prior-knowledge", "--max-time", "10")
            code, output = await command(*curl, f"{base}/health")
            assert (code, output.split("\r\n")[0]) == (0, "HTTP/2 415 ")
            code, output = await command(
                *curl,
                *("-H", "content-type: application/grpc", "-H", "te: trailers"),
                *("--data-binary", f"@{request}", "--output", "-", f"{base}{ECHO}"),
            )
            assert code == 0
            assert output.startswith("HTTP/2 200")
            assert "hello" in output
            assert "grpc-status: 0" in output

    run(main())


@program("nghttp")
def test_nghttp_finds_nothing_to_complain_about(tmp_path: Path) -> None:
    request = tmp_path / "request"
    request.write_bytes(grpc_message(b"hello" * 10_000))

    async def main() -> None:
        async with serving(ROUTES) as port:
            code, output = await command(
                *("nghttp", "-v", "-t", "10", "-m", "5", "--data", str(request)),
                *("-H", "content-type: application/grpc", "-H", ":method: POST"),
                f"http://127.0.0.1:{port}{ECHO}",
            )
            assert code == 0, output
            assert output.count("grpc-status: 0") == 5, output
            assert "GOAWAY" not in output.split("send GOAWAY")[0], output
            assert "[ERROR]" not in output, output

    run(main())


@program("h2load")
def test_h2load_gets_an_answer_to_each_of_its_requests(tmp_path: Path) -> None:
    request = tmp_path / "request"
    request.write_bytes(grpc_message(b"hello"))

    async def main() -> None:
        async with serving(ROUTES) as port:
            code, output = await command(
                *("h2load", "-n", "20000", "-c", "4", "-m", "50", "-d", str(request)),
                *("-H", "content-type: application/grpc", "--connection-active-timeout", "15"),
                f"http://127.0.0.1:{port}{ECHO}",
            )
            assert code == 0, output
            assert "20000 succeeded, 0 failed" in output, output
            assert "20000 2xx" in output, output

    run(main())


@program("node")
def test_node_speaks_http_2_as_grpc_js_does() -> None:
    script = str(Path(__file__).with_name("node_client.js"))

    async def main() -> None:
        async with serving(ROUTES) as port:
            for count, size in ((200, 20), (5, 300_000)):
                code, output = await command("node", script, str(port), str(count), str(size))
                assert (code, output) == (0, "all well\n")

    run(main())


def certificate(folder: Path) -> tuple[Path, Path]:
    """Makes a certificate for localhost that signs itself; returns it and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now = dt.datetime.now(dt.UTC)
    names = [x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
    signed = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .sign(key, hashes.SHA256())
    )
    paths = folder / "cert.pem", folder / "key.pem"
    paths[0].write_bytes(signed.public_bytes(serialization.Encoding.PEM))
    paths[1].write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return paths


def test_the_same_behind_tls_with_alpn(tmp_path: Path) -> None:
    cert, key = certificate(tmp_path)
    server_tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server_tls.load_cert_chain(cert, key)
    server_tls.set_alpn_protocols([ALPN_PROTOCOL])
    client_tls = ssl.create_default_context(cafile=str(cert))
    client_tls.set_alpn_protocols([ALPN_PROTOCOL])
    credentials = grpc.ssl_channel_credentials(cert.read_bytes())

    async def main() -> None:
        async with serving(ROUTES, tls=server_tls) as port:

            def with_channel() -> None:
                with grpc.secure_channel(f"localhost:{port}", credentials) as channel:
                    message = bytes(500_000)
                    assert channel.unary_unary(ECHO)(message, timeout=10) == message

            await asyncio.to_thread(with_channel)
            async with calling(port, tls=client_tls) as client:
                done: asyncio.Queue[object] = asyncio.Queue()
                client.start_unary(ECHO, b"hello", lambda *reply: done.put_nowait(reply))
                assert await done.get() == (0, "", b"hello")
            if shutil.which("curl"):
                code, output = await command(
                    *("curl", "-sS", "-i", "--cacert", str(cert), "--max-time", "10"),
                    f"https://localhost:{port}/",
                )
                assert (code, output.split("\r\n")[0]) == (0, "HTTP/2 415 ")

    run(main())


def test_a_client_that_disappears_leaves_nothing_behind() -> None:
    async def main() -> None:
        closed = asyncio.Event()

        def watch(stream: ServerStream) -> None:
            stream.on_close = closed.set
            stream.send(b"created")

        async with serving({STREAM: Method.stream(watch)}) as port:
            async with calling(port) as client:
                created: asyncio.Queue[bytes] = asyncio.Queue()
                client.start_stream(STREAM, created.put_nowait, lambda *_: None)
                assert await created.get() == b"created"
            await closed.wait()

    run(main())
