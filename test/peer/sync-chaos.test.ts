import { afterEach, beforeEach, expect, it } from "vitest";
import type { Flow } from "../../src/flow/flow.ts";
import type { OpenFlowVersion } from "../../src/flow/version.ts";
import { connectSwitch } from "../../src/openflow/openflow-transport.ts";
import type { SettledReport } from "../../src/sync/report.ts";
import { Synchroniser } from "../../src/sync/synchroniser.ts";
import { DesiredFlowTable } from "../../src/table/desired-table.ts";
import { parseFlow } from "../../src/text/parse-flow.ts";
import { parseFlows } from "../../src/text/parse-flows.ts";
import { describeFlow, seeded } from "../sync/harness.ts";
import { ChaosProxy } from "./chaos-proxy.ts";
import { OpenVSwitch } from "./open-vswitch.ts";
import { describePeer } from "./peer-suite.ts";

/** `OFSYNC_SEED` repeats a run as far as a real switch allows; `OFSYNC_FAULTS` makes it longer. */
const seed = Number(process.env.OFSYNC_SEED ?? 20_261_121);
const faults = Number(process.env.OFSYNC_FAULTS ?? 200);

const OWNER = "00000000-0000-4000-8000-00000000000a";
const KEYS = 300;
/** Our flows carry 0x55 in the upper byte of a 16-bit cookie. */
const ownership = { cookie: 0x5500n, mask: 0xff00n };
const ours = (n: number, to: number): string =>
  `cookie=0x55${(n % 256).toString(16).padStart(2, "0")},table=${n % 5},priority=${100 + (n % 3)},ip,nw_dst=10.1.${n >> 8}.${n & 255} actions=output:${to}`;
const theirs = (n: number): string => ours(n, 99).replace("cookie=0x55", "cookie=0x77");

const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

describePeer(`chaos on a real switch (seed ${seed}, ${faults} faults a run)`, () => {
  let peer: OpenVSwitch;
  let proxy: ChaosProxy;
  beforeEach(async () => {
    peer = await OpenVSwitch.start();
    proxy = await ChaosProxy.start(peer.folder, peer.socketPath);
  });
  afterEach(async () => {
    await proxy.stop();
    await peer.stop();
  });

  const runs: [string, OpenFlowVersion, boolean][] = [
    ["bundles and a monitor", "OpenFlow15", true],
    ["neither bundles nor a monitor", "OpenFlow13", false],
  ];
  for (const [how, version, modern] of runs) {
    it(`${version}, ${how}: equal in the end, no false acknowledgement, nothing foreign touched`, async () => {
      const random = seeded(seed);
      const below = (n: number): number => Math.floor(random() * n);
      const table = new DesiredFlowTable();
      const transport = connectSwitch(proxy.address, {
        versions: [version],
        monitor: modern,
        probeIntervalMs: 250,
        probeLimit: 3,
        connectTimeoutMs: 2000,
        requestTimeoutMs: 3000,
        backOff: { firstMs: 20, maxMs: 200 },
      });
      const sync = new Synchroniser({
        table,
        transport,
        ownership,
        retry: { initialMs: 100, maxMs: 500 },
        readBackRetry: { initialMs: 50, maxMs: 300 },
        audit: { minIntervalMs: 300, maxIntervalMs: 500 },
        batch: { maxFlowMods: 40, maxOutstanding: 3, atomic: modern ? "whenPossible" : "never" },
      });
      const faultsOfOurs: unknown[] = [];
      sync.subscribe((event) => {
        if (event.type === "fault") faultsOfOurs.push(event.error);
      });

      const foreign = new Map<string, string>();
      const tampered = new Map<string, number>();
      const putForeign = async (n: number): Promise<void> => {
        tampered.set(placeOf(parseFlow(theirs(n))), Date.now());
        await peer.ofctl("-O", "OpenFlow15", "add-flow", peer.socketPath, theirs(n));
        foreign.set(placeOf(parseFlow(theirs(n))), describeFlow(parseFlow(theirs(n))));
      };
      const held = async (): Promise<Map<string, string>> => {
        const flows = new Map<string, string>();
        const text = await peer.ofctl("-O", "OpenFlow15", "--no-stats", "--no-names", "dump-flows", peer.socketPath);
        for (const { flow } of parseFlows(text)) flows.set(placeOf(flow), describeFlow(flow));
        return flows;
      };
      const tamper = async (command: string, text: string): Promise<void> => {
        const place = placeOf(parseFlow(text.includes("actions=") ? text : `${text} actions=drop`));
        if (foreign.has(place)) return;
        tampered.set(place, Date.now());
        // The table may be full, or the switch away: then there was no tampering.
        await peer.ofctl("-O", "OpenFlow15", ...command.split(" "), peer.socketPath, text).catch(() => {});
        tampered.set(place, Date.now());
      };
      const grace = modern ? 1000 : 2000;

      /** Everything acknowledged must be there, nothing else of ours, and everything foreign. */
      const check = async (report: SettledReport): Promise<void> => {
        const refused = new Set(report.refused.map((one) => placeOf(one.flow)));
        const now = Date.now();
        const skip = (place: string): boolean => refused.has(place) || now - (tampered.get(place) ?? 0) < grace;
        const there = await held();
        for (const flow of table.winners()) {
          const place = placeOf(flow);
          if (!skip(place)) expect(there.get(place), "an acknowledged flow is not in the switch").toBe(describeFlow(flow));
        }
        const places = new Set([...table.winners()].map(placeOf));
        for (const place of there.keys()) {
          if (!places.has(place) && !foreign.has(place) && !skip(place)) expect.fail(`acknowledged as gone, but there: ${place}`);
        }
        for (const [place, text] of foreign) expect(there.get(place), "a foreign flow was touched").toBe(text);
      };

      const change = (): void => {
        const count = random() < 0.1 ? KEYS : 1 + below(25);
        table.transaction(() => {
          for (let i = 0; i < count; i++) {
            const flow = parseFlow(ours(below(KEYS), 1 + below(4)));
            if (random() < 0.35) table.removeFlow(OWNER, flow);
            else table.setFlow(OWNER, flow);
          }
        });
      };

      const stallFor = async (direction: "up" | "down"): Promise<void> => {
        proxy.stall(direction);
        change();
        await sleep(random() < 0.2 ? 1100 : below(200));
        proxy.resume(direction);
      };
      const kinds: [number, string, () => Promise<void> | void][] = [
        [4, "cut", () => proxy.cut()],
        [5, "cut upwards at some byte", () => proxy.cutAfter("up", below(4000))],
        [5, "cut downwards at some byte", () => proxy.cutAfter("down", below(20_000))],
        [2, "stall upwards", () => stallFor("up")],
        [2, "stall downwards", () => stallFor("down")],
        [3, "split", () => proxy.split(random() < 0.5 ? undefined : () => 1 + below(200))],
        [
          1,
          "SIGKILL and restart",
          async () => {
            // What comes to a key after our read-back can be written over (no add spares it); what is there before must be seen. So
            // nobody gets through until the foreign flows are in.
            proxy.refuseConnections(true);
            proxy.cut();
            await peer.killDaemon();
            foreign.clear();
            if (random() < 0.5) change();
            peer.startDaemon();
            await peer.waitUntilAnswering();
            await putForeign(2).catch(() => {});
            await putForeign(KEYS + 10).catch(() => {});
            proxy.refuseConnections(false);
          },
        ],
        [
          2,
          "SIGSTOP",
          async () => {
            peer.pause();
            change();
            await sleep(random() < 0.2 ? 1100 : below(200));
            peer.resume();
          },
        ],
        [
          2,
          "table limit",
          () =>
            peer
              .limitTable(below(5), random() < 0.5 ? 5 + below(40) : undefined)
              .catch(() => {})
              .then(() => {}),
        ],
        [
          4,
          "flow deleted",
          () =>
            tamper(
              "del-flows --strict",
              ours(below(KEYS), 1)
                .replace(/^cookie=\w+,/, "")
                .replace(/ actions.*/, ""),
            ),
        ],
        [4, "flow altered", () => tamper("add-flow", ours(below(KEYS), 77))],
        [2, "flow added", () => tamper("add-flow", ours(KEYS + 20 + below(50), 1))],
        [2, "foreign flow added", () => putForeign(KEYS + 100 + below(20)).catch(() => {})],
      ];
      const total = kinds.reduce((sum, [weight]) => sum + weight, 0);
      const pick = (): [number, string, () => Promise<void> | void] => {
        let at = below(total);
        for (const kind of kinds) {
          at -= kind[0];
          if (at < 0) return kind;
        }
        return kinds[0] as (typeof kinds)[0];
      };

      await putForeign(2);
      await putForeign(KEYS + 10);
      for (let n = 0; n < KEYS; n += 2) table.setFlow(OWNER, parseFlow(ours(n, 1)));
      sync.start();
      let acknowledgements = 0;
      const done = new Map<string, number>();
      try {
        for (let i = 0; i < faults; i++) {
          if (random() < 0.8) change();
          if (random() < 0.5) await sleep(below(30));
          const [, name, act] = pick();
          done.set(name, (done.get(name) ?? 0) + 1);
          await act();
          if (random() < 0.25) {
            const report = await sync.settled(undefined, { signal: AbortSignal.timeout(20_000) });
            acknowledgements++;
            await check(report);
          }
        }
        proxy.behave();
        for (let t = 0; t < 5; t++) await peer.limitTable(t, undefined).catch(() => {});
        await sleep(grace + 2000);
        for (;;) {
          const report = await sync.settled(undefined, { signal: AbortSignal.timeout(20_000) });
          tampered.clear();
          if (report.refused.every((one) => foreign.has(placeOf(one.flow)))) {
            await check(report);
            break;
          }
          await sleep(200);
        }
      } catch (error) {
        console.error(`seed ${seed}`, Object.fromEntries(done), sync.status());
        throw error;
      } finally {
        await sync.stop();
      }
      expect(faultsOfOurs).toEqual([]);
      expect(acknowledgements).toBeGreaterThan(faults / 10);
      const { counters } = sync.status();
      expect(counters.withheld, "no flow of ours ever waited for a foreign one").toBeGreaterThan(0);
      console.info(
        `${version}: ${faults} faults, ${acknowledgements} acknowledgements checked, ${counters.reconnects} reconnects, ` +
          `${counters.readBacks} read-backs, ${counters.unknown} flow-mods of unknown fate, ${counters.refused} refused, ${counters.repaired} repaired`,
      );
    }, 280_000);
  }
});

function placeOf(one: Flow): string {
  return describeFlow(one).split(" cookie")[0] as string;
}
