"""The generated messages: current, private to us, and etcd's on the wire."""

from pathlib import Path

from aetcd.rpc import kv_pb2 as their_kv
from aetcd.rpc import rpc_pb2 as theirs
from google.protobuf.descriptor import Descriptor

from raftkv.pb import generate, kv_pb2, rpc_pb2
from raftkv.pb.pool import POOL

FOLDER = Path(generate.__file__).parent


def test_the_generated_code_is_what_the_protos_say() -> None:
    made = generate.generate()
    assert len(made) == 8
    for name, text in made.items():
        assert (FOLDER / name).read_text() == text, f"{name}: run python -m raftkv.pb.generate"


def test_another_etcd_package_may_live_in_the_same_process() -> None:
    assert rpc_pb2.PutRequest.DESCRIPTOR.file.pool is POOL
    assert theirs.PutRequest.DESCRIPTOR.file.pool is not POOL
    sent = theirs.PutRequest(key=b"a", value=b"1", lease=7, prev_kv=True)
    got = rpc_pb2.PutRequest.FromString(sent.SerializeToString())
    assert (got.key, got.value, got.lease, got.prev_kv) == (b"a", b"1", 7, True)


def fields(message: Descriptor) -> dict[str, tuple[int, int, bool]]:
    return {field.name: (field.number, field.type, field.is_repeated) for field in message.fields}


def test_every_field_of_an_independent_client_has_the_same_number_and_type() -> None:
    compared = 0
    for file in (theirs.DESCRIPTOR, their_kv.DESCRIPTOR):
        ours_file = rpc_pb2.DESCRIPTOR if file is theirs.DESCRIPTOR else kv_pb2.DESCRIPTOR
        for name, message in file.message_types_by_name.items():
            ours = fields(ours_file.message_types_by_name[name])
            for field_name, what in fields(message).items():
                assert ours[field_name] == what, f"{name}.{field_name}"
                compared += 1
    assert compared > 150
