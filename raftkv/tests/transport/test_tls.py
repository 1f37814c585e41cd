"""The same over TLS: both sides show a certificate of one authority."""

import logging
import shutil
import ssl
import subprocess
from functools import partial
from pathlib import Path

import pytest

from raftkv.raft.messages import TimeoutNow
from raftkv.tests.transport.harness import CONFIG, Site, connect, run, until
from raftkv.transport import fetch_cluster_info

pytestmark = pytest.mark.skipif(shutil.which("openssl") is None, reason="needs openssl")


def certificate(path: Path) -> tuple[Path, Path]:
    """A self-signed certificate for localhost, and its key."""
    key, cert = path / "key.pem", path / "cert.pem"
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"]
    command += ["-nodes", "-keyout", str(key), "-out", str(cert), "-days", "2"]
    command += ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"]
    subprocess.run(command, check=True, capture_output=True)
    return cert, key


def contexts(cert: Path, key: Path) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """Incoming and outgoing; each side asks for the other's certificate."""
    incoming = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=cert)
    incoming.verify_mode = ssl.CERT_REQUIRED
    outgoing = ssl.create_default_context(cafile=cert)
    for context in (incoming, outgoing):
        context.load_cert_chain(cert, key)
    return incoming, outgoing


def test_members_talk_over_tls(tmp_path: Path) -> None:
    incoming, outgoing = contexts(*certificate(tmp_path))

    async def body() -> None:
        one = Site(1, ssl_incoming=incoming, ssl_outgoing=outgoing)
        two = Site(2, ssl_incoming=incoming, ssl_outgoing=outgoing)
        async with one, two:
            await connect(one, two)
            one.transport.send([TimeoutNow(2, 1, number) for number in range(100)])
            await until(lambda: len(two.received) == 100)
            assert one.transport.round_trip_seconds(2)
            info = await fetch_cluster_info([two.url], 10, CONFIG, outgoing)
            assert info == two.info()

    run(body)


def test_who_has_no_certificate_gets_no_connection(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    cert, key = certificate(tmp_path)
    incoming, _ = contexts(cert, key)
    naked = ssl.create_default_context(cafile=cert)

    async def body() -> None:
        one = Site(1, ssl_incoming=incoming, ssl_outgoing=naked)
        two = Site(2, ssl_incoming=incoming)
        async with one, two:
            one.transport.add_peer(2, [two.url])
            two.transport.add_peer(1, [one.url])
            for site, other in ((one, 2), (two, 1)):
                peer = site.transport._peers[other]
                await until(partial(getattr, peer, "_complaint"))
                assert not site.transport.is_connected(other)

    with caplog.at_level(logging.WARNING):
        run(body)
    text = "\n".join(record.getMessage() for record in caplog.records)
    assert "needs a certificate" in text
