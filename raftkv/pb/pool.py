"""The descriptor pool of the generated modules.

protobuf's default pool refuses a second definition of a name, and every etcd client package
registers the same names there. A private pool keeps ours out of their way.
"""

from google.protobuf.descriptor_pool import DescriptorPool

POOL = DescriptorPool()
