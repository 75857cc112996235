"""Daphne with TLS of its own, which is Twisted's, and stands between a WebSocket and what its bytes wait in."""

import datetime
import json
import socket
import ssl

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from tests.fuzz.frames import BINARY, TEXT, frame, upgrade
from tests.live.client import open_client
from tests.live.records import ended_row, row_in_state
from tests.live.servers import APPLICATION

pytestmark = pytest.mark.live

FORMAT = {"encoding": "mulaw", "sample_rate": 24000, "framing": "binary"}
SPOKEN = bytes(480)


def certify(directory):
    """Make a key and its own certificate; gives the path of both."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.datetime.now(datetime.UTC)
    day = datetime.timedelta(days=1)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number(), now - day, now + day)
    ).sign(key, hashes.SHA256())
    path = directory / "both.pem"
    path.write_bytes(
        key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption())
        + certificate.public_bytes(Encoding.PEM)
    )
    return path


@pytest.fixture
def server(start_server, tmp_path):
    both = certify(tmp_path)
    endpoint = f"ssl:0:privateKey={both}:certKey={both}:interface=127.0.0.1"
    return start_server("daphne", command=["daphne", "--endpoint", endpoint, APPLICATION])


@pytest.fixture
def trusting():
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def call(server, trusting, path, session_id, **fields):
    """A caller's socket, that has asked for a session."""
    connected = socket.create_connection(("127.0.0.1", server.port), timeout=5)
    caller = trusting.wrap_socket(connected)
    caller.sendall(upgrade(path))
    caller.recv(1_000)
    caller.sendall(frame(TEXT, json.dumps({"event": "start", "websocket_id": session_id, **fields}).encode()))
    return caller


async def test_calls_under_tls(server, trusting):
    async with open_client(
        server.websocket_url("/exact/websocket/offer").replace("ws:", "wss:"), ssl=trusting
    ) as client:
        await client.start("heard", media_format=FORMAT)
        await client.wait_for_message(event="started")
        await client.send_payload(SPOKEN)
        await client.wait_for_audio(len(SPOKEN))

    with call(server, trusting, b"/exact/websocket/offer", "spoke-and-left", media_format=FORMAT) as caller:
        await row_in_state(server.database, "spoke-and-left", "active")
        caller.setsockopt(socket.IPPROTO_TCP, socket.TCP_CORK, 1)  # its last frame and TLS's own farewell come together
        caller.sendall(frame(BINARY, SPOKEN))
        caller.settimeout(0)
        with pytest.raises(ssl.SSLError):  # it does not wait for the answer
            caller.unwrap()
        caller.setsockopt(socket.IPPROTO_TCP, socket.TCP_CORK, 0)
        assert (await ended_row(server.database, "spoke-and-left"))["end_reason"] == "client_gone"

    with call(server, trusting, b"/gushing/websocket/offer", "deaf"):
        assert (await ended_row(server.database, "deaf"))["end_reason"] == "client_gone"
    assert "session deaf: its client does not read" in server.log()
