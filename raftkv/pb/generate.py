"""Makes *_pb2.py and *_pb2.pyi from the .proto files: `python -m raftkv.pb.generate`.

protoc's output is used as it is, except that it registers in our own descriptor pool (see
`pool.py`).
"""

import sys
import tempfile
from pathlib import Path

from grpc_tools import protoc

FOLDER = Path(__file__).parent
ROOT = FOLDER.parents[1]
DEFAULT_POOL = "_descriptor_pool.Default()"
IMPORT_DEFAULT_POOL = "from google.protobuf import descriptor_pool as _descriptor_pool"


def generate() -> dict[str, str]:
    """The generated files' text by name; needs grpcio-tools and mypy-protobuf."""
    protos = sorted(str(path.relative_to(ROOT)) for path in FOLDER.glob("*.proto"))
    with tempfile.TemporaryDirectory() as out:
        plugin = Path(sys.executable).parent / "protoc-gen-mypy"
        arguments = [
            "protoc",
            f"-I{ROOT}",
            f"--plugin=protoc-gen-mypy={plugin}",
            f"--python_out={out}",
            f"--mypy_out=quiet:{out}",
            *protos,
        ]
        status = protoc.main(arguments)
        assert status == 0, f"protoc ended with {status}"
        made = sorted((Path(out) / "raftkv" / "pb").iterdir())
        return {path.name: _in_private_pool(path.name, path.read_text()) for path in made}


def _in_private_pool(name: str, text: str) -> str:
    """The generated module, registering in our pool instead of protobuf's default one."""
    if name.endswith(".pyi"):
        return text
    assert text.count(DEFAULT_POOL) == 1, f"{name}: protoc's output has changed its form"
    text = text.replace(IMPORT_DEFAULT_POOL, "from raftkv.pb.pool import POOL as _POOL")
    return text.replace(DEFAULT_POOL, "_POOL")


if __name__ == "__main__":
    for file_name, file_text in generate().items():
        (FOLDER / file_name).write_text(file_text)
