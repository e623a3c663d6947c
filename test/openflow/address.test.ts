import { fc, it as property } from "@fast-check/vitest";
import { describe, expect, it } from "vitest";
import { isOfsyncError, type OfsyncError } from "../../src/errors.ts";
import { formatAddress, parseAddress, parseDialAddress, parseListenAddress } from "../../src/openflow/address.ts";

const good: readonly (readonly [string, ReturnType<typeof parseAddress>])[] = [
  ["unix:/run/ovs/br0.mgmt", { kind: "unix", path: "/run/ovs/br0.mgmt" }],
  ["unix:relative/br0.mgmt", { kind: "unix", path: "relative/br0.mgmt" }],
  ["/run/ovs/br0.mgmt", { kind: "unix", path: "/run/ovs/br0.mgmt" }],
  ["br-int", { kind: "unix", path: "/run/here/br-int.mgmt" }],
  ["tcp:10.0.0.1", { kind: "tcp", host: "10.0.0.1", port: 6653 }],
  ["tcp:10.0.0.1:6633", { kind: "tcp", host: "10.0.0.1", port: 6633 }],
  ["tcp:switch.example:6633", { kind: "tcp", host: "switch.example", port: 6633 }],
  ["tcp:[::1]", { kind: "tcp", host: "::1", port: 6653 }],
  ["ssl:[fe80::1]:16653", { kind: "ssl", host: "fe80::1", port: 16653 }],
  ["ssl:127.0.0.1:1", { kind: "ssl", host: "127.0.0.1", port: 1 }],
  ["punix:/tmp/x", { kind: "punix", path: "/tmp/x" }],
  ["ptcp:", { kind: "ptcp", port: 6653 }],
  ["ptcp:0", { kind: "ptcp", port: 0 }],
  ["ptcp:6653:127.0.0.1", { kind: "ptcp", port: 6653, host: "127.0.0.1" }],
  ["pssl::[::]", { kind: "pssl", port: 6653, host: "::" }],
  ["pssl:7000:[::1]", { kind: "pssl", port: 7000, host: "::1" }],
];

const bad: readonly (readonly [string, number])[] = [
  ["", 1],
  ["unix:", 6],
  [`unix:/${"x".repeat(107)}`, 6],
  ["run/ovs", 1],
  ["udp:1.2.3.4", 1],
  ["tcp:", 5],
  ["tcp::6653", 5],
  ["tcp:1.2.3.4:", 13],
  ["tcp:1.2.3.4:0", 13],
  ["tcp:1.2.3.4:65536", 13],
  ["tcp:1.2.3.4:66x", 13],
  ["tcp:::1", 5],
  ["tcp:::1:6653", 5],
  ["tcp:[::1", 5],
  ["tcp:[10.0.0.1]", 6],
  ["tcp:[::1]6653", 10],
  ["tcp:[::1]:x", 11],
  ["ptcp:x", 6],
  ["ptcp:65536", 6],
  ["ptcp:6653:host", 11],
  ["ptcp:6653:::1", 11],
  ["tcp:a b", 6],
];

describe("addresses of switches", () => {
  it.each(good)("reads %s", (text, address) => {
    expect(parseAddress(text, { runDirectory: "/run/here" })).toEqual(address);
  });

  it.each(good)("reads what it writes of %s", (text) => {
    const address = parseAddress(text);
    expect(parseAddress(formatAddress(address))).toEqual(address);
  });

  it.each(bad)("refuses %j at column %i", (text, column) => {
    const error = thrownBy(() => parseAddress(text));
    expect(error).toMatchObject({ code: "ADDRESS_INVALID" });
    expect((error as OfsyncError).place.column).toBe(column);
  });

  it("tells dialling from listening", () => {
    expect(thrownBy(() => parseDialAddress("ptcp:6653"))).toMatchObject({ code: "ADDRESS_INVALID" });
    expect(thrownBy(() => parseListenAddress("tcp:1.2.3.4"))).toMatchObject({ code: "ADDRESS_INVALID" });
    expect(parseDialAddress("ssl:a:1").kind).toBe("ssl");
    expect(parseListenAddress("pssl:1").kind).toBe("pssl");
  });

  property.prop([fc.oneof(fc.string(), fc.stringMatching(/^(p?(tcp|ssl|unix)):[[\]:0-9a-f./]*$/))])(
    "gives an address or a typed error for any text",
    (text) => {
      try {
        const address = parseAddress(text);
        expect(parseAddress(formatAddress(address))).toEqual(address);
      } catch (error) {
        if (!isOfsyncError(error, "ADDRESS_INVALID")) throw error;
      }
    },
  );
});

function thrownBy(body: () => unknown): unknown {
  try {
    body();
  } catch (error) {
    return error;
  }
  throw new Error("nothing was thrown");
}
