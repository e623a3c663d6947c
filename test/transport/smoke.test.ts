import { expect, test } from "vitest";
import { collectFlows } from "../../src/transport/installed-flow-chunk.ts";
import { flow, inPort, upSwitch } from "./helpers.ts";

test("what is added is there", async () => {
  const { device, clock, send, events } = await upSwitch();
  const a = flow({ match: inPort(1) });
  const result = await send("add", a);
  expect(result).toMatchObject({ epoch: 1, fate: "applied", bytes: 48 + 16 + 24 });
  const read = collectFlows(device.readFlows());
  await clock.run(0);
  expect((await read).map((one) => one.flow.equals(a))).toEqual([true]);
  expect(events.map((event) => event.type)).toEqual(["changed"]);
});
