"""TLS in which both sides prove who they are: the keys, and whether these are trusted."""

from __future__ import annotations

import asyncio
import ssl
from pathlib import Path
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, SecretStr

from shipway.build_secrets import write_private

_TIMEOUT_SECONDS = 10
_CA, _CERTIFICATE, _KEY = "ca.pem", "cert.pem", "key.pem"


class Keys(BaseModel):
    """What client and server of a connection prove themselves with, as PEM.

    Attributes:
        ca: Who signed the server's certificate.
        certificate: The client's certificate.
        key: The client's private key.
    """

    model_config = ConfigDict(frozen=True)

    ca: str
    certificate: str
    key: SecretStr

    def write(self, folder: Path) -> None:
        """Write them into a folder, under the names that buildctl gives them."""
        write_private(folder / _CA, self.ca)
        write_private(folder / _CERTIFICATE, self.certificate)
        write_private(folder / _KEY, self.key.get_secret_value())


async def distrust(address: str, keys: Path) -> str | None:
    """Why a server and a client do not trust each other, in the words of TLS.

    Args:
        address: Where the server listens, such as `tcp://buildkitd:1234`.
        keys: The folder that the client's keys were written into.

    Returns:
        The reason; None if they trust each other, or nobody answers with TLS over TCP there.
    """
    server = urlsplit(address)
    try:
        context = await asyncio.to_thread(_context, keys)
        async with asyncio.timeout(_TIMEOUT_SECONDS):
            reader, writer = await asyncio.open_connection(
                server.hostname, server.port, ssl=context
            )
            try:
                # TLS 1.3 refuses a client's certificate after the handshake, in place of the
                # first byte.
                await reader.read(1)
            finally:
                writer.close()
    except (ssl.SSLEOFError, ssl.SSLZeroReturnError):
        return None
    except ssl.SSLError as error:
        return str(error)
    except (OSError, ValueError):
        return None
    return None


def _context(keys: Path) -> ssl.SSLContext:
    # Not the default context: that asks more of a certificate than buildctl does.
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.set_alpn_protocols(["h2"])
    context.load_verify_locations(keys / _CA)
    # Without a password, a key that has one would be asked for it on a terminal.
    context.load_cert_chain(keys / _CERTIFICATE, keys / _KEY, password="")
    return context
