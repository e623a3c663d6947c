/**
 * A real Open vSwitch for tests: its own ovsdb-server and ovs-vswitchd on a dummy datapath, all files in one private folder,
 * nothing shared with the host's switch or with another test. Whatever happens to the test, the daemons end with it.
 */
import { type ChildProcess, execFile, execFileSync, spawn } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);

export interface OpenVSwitchOptions {
  /** Name of the bridge; default `br0`. */
  readonly bridge?: string;
  /** What `protocols` of the bridge is set to; default OpenFlow 1.3, 1.4 and 1.5. */
  readonly protocols?: readonly string[];
  /** Ports to add to the bridge as dummy interfaces, numbered 1, 2, …; default none. */
  readonly ports?: readonly string[];
}

/** What a program of Open vSwitch said. */
export class PeerError extends Error {
  readonly stderr: string;
  constructor(program: string, args: readonly string[], stderr: string) {
    super(`${program} ${args.join(" ")}: ${stderr.trim()}`);
    this.name = "PeerError";
    this.stderr = stderr;
  }
}

const running = new Set<OpenVSwitch>();
process.once("exit", () => {
  for (const one of running) one.destroySync();
});

/** Where Debian puts the daemons is not on everybody's PATH. */
const ENV_PATH = `${process.env.PATH ?? ""}:/usr/sbin:/usr/local/sbin:/usr/local/share/openvswitch/scripts`;
const SCHEMAS = ["/usr/share/openvswitch/vswitch.ovsschema", "/usr/local/share/openvswitch/vswitch.ovsschema"];

/** `undefined` when everything is there, otherwise one line that says what is missing. */
export function missingOpenVSwitch(): string | undefined {
  try {
    for (const program of ["ovs-vswitchd", "ovsdb-server", "ovsdb-tool", "ovs-ofctl", "ovs-vsctl"]) {
      execFileSync(program, ["--version"], { env: { ...process.env, PATH: ENV_PATH }, stdio: "ignore" });
    }
  } catch {
    return "Open vSwitch is not installed: run test/peer/install-peers.sh (as root) to test against a real switch";
  }
  return SCHEMAS.some((path) => existsSync(path)) ? undefined : "Open vSwitch is installed without vswitch.ovsschema";
}

export class OpenVSwitch {
  /** All files: database, sockets, logs. */
  readonly folder: string;
  readonly bridge: string;
  readonly #env: NodeJS.ProcessEnv;
  #database: ChildProcess | undefined;
  #daemon: ChildProcess | undefined;
  #stopped = false;

  private constructor(bridge: string) {
    this.folder = mkdtempSync(join(tmpdir(), "ofsync-ovs-"));
    this.bridge = bridge;
    this.#env = {
      ...process.env,
      PATH: ENV_PATH,
      OVS_RUNDIR: this.folder,
      OVS_DBDIR: this.folder,
      OVS_LOGDIR: this.folder,
      OVS_SYSCONFDIR: this.folder,
    };
    running.add(this);
  }

  /** Starts both daemons, makes the bridge and waits until its management socket answers. */
  static async start(options: OpenVSwitchOptions = {}): Promise<OpenVSwitch> {
    const one = new OpenVSwitch(options.bridge ?? "br0");
    try {
      const schema = SCHEMAS.find((path) => existsSync(path));
      if (schema === undefined) throw new Error(missingOpenVSwitch());
      await one.#run("ovsdb-tool", ["create", join(one.folder, "conf.db"), schema]);
      one.#startDatabase();
      await one.#initialise();
      one.startDaemon();
      await one.vsctl(
        "add-br",
        one.bridge,
        "--",
        "set",
        "bridge",
        one.bridge,
        "datapath_type=dummy",
        "fail_mode=secure",
        `protocols=${(options.protocols ?? ["OpenFlow13", "OpenFlow14", "OpenFlow15"]).join(",")}`,
      );
      for (const [index, port] of (options.ports ?? []).entries()) await one.addPort(port, index + 1);
      await one.waitUntilAnswering();
      return one;
    } catch (error) {
      await one.stop();
      throw error;
    }
  }

  /** The socket of the bridge that takes any number of OpenFlow connections, as an address of this library. */
  get address(): string {
    return `unix:${this.socketPath}`;
  }

  get socketPath(): string {
    return join(this.folder, `${this.bridge}.mgmt`);
  }

  /** Process id of ovs-vswitchd; `undefined` while it does not run. */
  get pid(): number | undefined {
    return this.#daemon?.pid;
  }

  /** Runs ovs-ofctl; give `-O` yourself. Resolves with what it printed, throws {@link PeerError} when it fails. */
  ofctl(...args: readonly string[]): Promise<string> {
    return this.#run("ovs-ofctl", args);
  }

  vsctl(...args: readonly string[]): Promise<string> {
    return this.#run("ovs-vsctl", ["--timeout=20", `--db=unix:${join(this.folder, "db.sock")}`, ...args]);
  }

  /** Asks ovs-vswitchd. */
  appctl(...args: readonly string[]): Promise<string> {
    return this.#run("ovs-appctl", ["-t", join(this.folder, "vswitchd.ctl"), ...args]);
  }

  /** Runs a line of shell with the programs and folders of this switch. */
  shell(line: string): Promise<string> {
    return this.#run("/bin/sh", ["-c", line]);
  }

  /** The flows as `ovs-ofctl dump-flows --no-stats` prints them, sorted, one a line. */
  async dumpFlows(filter = "", version = "OpenFlow15"): Promise<string[]> {
    const text = await this.ofctl("-O", version, "--no-stats", "dump-flows", this.socketPath, ...(filter === "" ? [] : [filter]));
    return text
      .split("\n")
      .map((line) => line.trim())
      .filter((line) => line !== "")
      .sort();
  }

  /** How many OpenFlow messages the switch has received since it started, over all connections; bundled ones count once. */
  async receivedMessages(): Promise<number> {
    return Number((await this.appctl("coverage/read-counter", "ofproto_recv_openflow")).trim());
  }

  addPort(name: string, number: number): Promise<string> {
    return this.vsctl(
      ...["add-port", this.bridge, name, "--", "set", "interface", name, "type=dummy", `ofport_request=${number}`],
    );
  }

  /** Limits a table to `limit` flows (`refuse` answers TABLE_FULL, `evict` drops others); `undefined` lifts the limit. */
  async limitTable(table: number, limit: number | undefined, policy: "refuse" | "evict" = "refuse"): Promise<void> {
    if (limit === undefined) {
      await this.vsctl("remove", "bridge", this.bridge, "flow_tables", String(table));
      return;
    }
    await this.vsctl(
      ...["--", "--id=@t", "create", "flow_table", `flow_limit=${limit}`, `overflow_policy=${policy}`],
      ...["--", "set", "bridge", this.bridge, `flow_tables:${table}=@t`],
    );
  }

  /** Makes the switch call controllers or listen (`ptcp:6653:127.0.0.1`, `tcp:127.0.0.1:6653`, …); none: neither. */
  setController(...targets: readonly string[]): Promise<string> {
    return targets.length === 0
      ? this.vsctl("del-controller", this.bridge)
      : this.vsctl("set-controller", this.bridge, ...targets, "--", "set", "bridge", this.bridge, "fail_mode=secure");
  }

  /** What the switch presents and whom it trusts, for `ssl:` and `pssl:` controllers. Paths of PEM files. */
  setTls(files: { readonly key: string; readonly certificate: string; readonly authority: string }): Promise<string> {
    return this.vsctl("set-ssl", files.key, files.certificate, files.authority);
  }

  /** Starts ovs-vswitchd on what the database says. */
  startDaemon(): void {
    if (this.#daemon !== undefined) throw new Error("ovs-vswitchd runs already");
    rmSync(join(this.folder, "vswitchd.ctl"), { force: true });
    const args = ["--enable-dummy=override", "--disable-system", `--unixctl=${join(this.folder, "vswitchd.ctl")}`];
    const log = [`--log-file=${join(this.folder, "vswitchd.log")}`, "-vconsole:off", "-vsyslog:off"];
    const child = this.#spawn("ovs-vswitchd", [...args, ...log, `unix:${join(this.folder, "db.sock")}`]);
    child.once("exit", () => {
      if (this.#daemon === child) this.#daemon = undefined;
    });
    this.#daemon = child;
  }

  /** Ends ovs-vswitchd without a chance to say good-bye, and waits until it is gone. Its flows are lost. */
  async killDaemon(signal: NodeJS.Signals = "SIGKILL"): Promise<void> {
    const child = this.#daemon;
    if (child === undefined) return;
    const gone = gonePromise(child);
    child.kill("SIGCONT");
    child.kill(signal);
    await gone;
    this.#daemon = undefined;
  }

  /** SIGKILL, start again, wait until it answers. The table is empty afterwards. */
  async restartDaemon(): Promise<void> {
    await this.killDaemon();
    this.startDaemon();
    await this.waitUntilAnswering();
  }

  /** The switch takes nothing and answers nothing until {@link resume}. */
  pause(): void {
    this.#daemon?.kill("SIGSTOP");
  }

  resume(): void {
    this.#daemon?.kill("SIGCONT");
  }

  /** Waits until the bridge's management socket answers an echo. */
  async waitUntilAnswering(timeoutMs = 20_000): Promise<void> {
    const end = Date.now() + timeoutMs;
    for (;;) {
      try {
        await this.ofctl("--timeout=2", "-O", "OpenFlow13,OpenFlow14,OpenFlow15,OpenFlow10", "probe", this.socketPath);
        return;
      } catch (error) {
        if (Date.now() > end) throw new Error(`the switch does not answer: ${String(error)}\n${this.log().slice(-2000)}`);
      }
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  /** The log of ovs-vswitchd so far. */
  log(): string {
    const path = join(this.folder, "vswitchd.log");
    return existsSync(path) ? readFileSync(path, "utf8") : "";
  }

  /** Ends the daemons and removes the folder. Safe to call twice. */
  async stop(): Promise<void> {
    if (this.#stopped) return;
    const children = [this.#daemon, this.#database].filter((child) => child !== undefined && child.exitCode === null);
    const gone = children.map((child) => gonePromise(child as ChildProcess));
    this.destroySync();
    await Promise.all(gone);
    rmSync(this.folder, { recursive: true, force: true });
  }

  /** The same without waiting, for when the process ends. */
  destroySync(): void {
    this.#stopped = true;
    running.delete(this);
    this.#daemon?.kill("SIGKILL");
    this.#database?.kill("SIGKILL");
    rmSync(this.folder, { recursive: true, force: true });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  #startDatabase(): void {
    this.#database = this.#spawn("ovsdb-server", [
      `--remote=punix:${join(this.folder, "db.sock")}`,
      `--unixctl=${join(this.folder, "ovsdb.ctl")}`,
      ...["--remote=db:Open_vSwitch,Open_vSwitch,manager_options", `--log-file=${join(this.folder, "ovsdb.log")}`],
      ...["-vconsole:off", "-vsyslog:off", join(this.folder, "conf.db")],
    ]);
  }

  /** Where Linux's `setpriv` is there, the kernel ends the daemon when this process dies, even by SIGKILL. */
  #spawn(program: string, args: readonly string[]): ChildProcess {
    const withParent = existsSync("/usr/bin/setpriv");
    const command = withParent ? "/usr/bin/setpriv" : program;
    const all = withParent ? ["--pdeathsig", "KILL", program, ...args] : args;
    const child = spawn(command, [...all], { env: this.#env, stdio: "ignore", cwd: this.folder });
    child.unref();
    return child;
  }

  /** Readies the database as soon as it listens: its socket is there a moment earlier, and refuses until then. */
  async #initialise(): Promise<void> {
    await this.#ready(() => existsSync(join(this.folder, "db.sock")));
    for (let tries = 1; ; tries++) {
      try {
        await this.vsctl("--no-wait", "init");
        return;
      } catch (error) {
        if (tries === 100 || !String(error).includes("Connection refused")) throw error;
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
    }
  }

  async #ready(test: () => boolean): Promise<void> {
    for (let i = 0; i < 1000 && !test(); i++) await new Promise((resolve) => setTimeout(resolve, 10));
    if (!test()) throw new Error("a daemon of Open vSwitch did not start");
  }

  async #run(program: string, args: readonly string[]): Promise<string> {
    try {
      const { stdout } = await run(program, [...args], { env: this.#env, maxBuffer: 1 << 30, cwd: this.folder });
      return stdout;
    } catch (error) {
      const stderr = (error as { stderr?: string }).stderr ?? String(error);
      throw new PeerError(program, args, stderr === "" ? String(error) : stderr);
    }
  }
}

/** The daemons do not keep this process alive, except while their end is awaited. */
function gonePromise(child: ChildProcess): Promise<unknown> {
  child.ref();
  return new Promise((resolve) => child.once("exit", resolve));
}

/** A TCP port of 127.0.0.1 that was free a moment ago. */
export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === "string") throw new Error("no port");
  return address.port;
}
