import { assert, describe, it } from "@effect/vitest"
import { clientAddress } from "../../src/http/ClientAddress.ts"

describe("clientAddress", () => {
  it.each<readonly [peer: string, forwarded: string | undefined, hops: number, address: string]>([
    // With no proxy of ours, what a client claims is nothing.
    ["192.0.2.1", undefined, 0, "192.0.2.1"],
    ["192.0.2.1", "203.0.113.7", 0, "192.0.2.1"],
    // With one, it is what that one saw.
    ["10.0.0.1", "203.0.113.7", 1, "203.0.113.7"],
    ["10.0.0.1", "198.51.100.9, 203.0.113.7", 1, "203.0.113.7"],
    ["10.0.0.1", "198.51.100.9,203.0.113.7 ", 1, "203.0.113.7"],
    // With two, what the outermost saw.
    ["10.0.0.1", "198.51.100.9, 203.0.113.7, 10.0.0.2", 2, "203.0.113.7"],
    ["10.0.0.1", "203.0.113.7", 2, "203.0.113.7"],
    // Without anything to go by, the peer.
    ["10.0.0.1", undefined, 1, "10.0.0.1"],
    ["10.0.0.1", "", 1, "10.0.0.1"],
    ["10.0.0.1", "203.0.113.7, ", 1, "10.0.0.1"],
    // A port is not of the address.
    ["10.0.0.1", "203.0.113.7:51234", 1, "203.0.113.7"],
    ["10.0.0.1", "[2001:db8:1:2::6]:51234", 1, "2001:db8:1:2"],
    ["10.0.0.1", "[2001:db8:1:2::6]", 1, "2001:db8:1:2"],
    ["10.0.0.1", "[::ffff:192.0.2.1]:80", 1, "192.0.2.1"],
    ["10.0.0.1", "unknown", 1, "unknown"],
    // IPv4 in IPv6 is IPv4.
    ["::ffff:192.0.2.1", undefined, 0, "192.0.2.1"],
    ["::FFFF:192.0.2.1", undefined, 0, "192.0.2.1"],
    // IPv6 by its /64.
    ["2001:db8:1:2:3:4:5:6", undefined, 0, "2001:db8:1:2"],
    ["2001:db8:1:2::6", undefined, 0, "2001:db8:1:2"],
    ["2001:db8::6", undefined, 0, "2001:db8:0:0"],
    ["2001::3:4:5:6:7:8", undefined, 0, "2001:0:3:4"],
    ["2001:db8:1:2:3::", undefined, 0, "2001:db8:1:2"],
    ["fe80::1%eth0", undefined, 0, "fe80:0:0:0"],
    ["::1", undefined, 0, "0:0:0:0"],
    ["::", undefined, 0, "0:0:0:0"],
    ["10.0.0.1", "2001:db8:1:2:ffff::1", 1, "2001:db8:1:2"]
  ])("of %s, forwarded for %j over %i hops, is %s", (peer, forwarded, hops, address) => {
    assert.strictEqual(clientAddress(peer, forwarded, hops), address)
  })
})
