// The public surface of `ofsync/openflow`: OpenFlow bytes and connections to real switches.
export {};
