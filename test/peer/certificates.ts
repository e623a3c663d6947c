/** Certificates for tests of TLS: authorities and what they sign, as PEM files in a folder that the test owns. */
import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** Paths of PEM files and their content. */
export interface Certificate {
  readonly keyFile: string;
  readonly certificateFile: string;
  /** The authority that signed it. */
  readonly authorityFile: string;
  readonly key: string;
  readonly certificate: string;
  readonly authority: string;
}

function openssl(...args: readonly string[]): void {
  execFileSync("openssl", [...args], { stdio: ["ignore", "ignore", "pipe"] });
}

/** An authority of its own; `sign` makes leaves that are valid for 127.0.0.1, ::1 and localhost, as client and as server. */
export class CertificateAuthority {
  readonly #folder: string;
  readonly #name: string;

  constructor(folder: string, name: string) {
    this.#folder = folder;
    this.#name = name;
    const key = this.#path("ca.key");
    openssl("ecparam", "-genkey", "-name", "prime256v1", "-noout", "-out", key);
    const extensions = ["-addext", "basicConstraints=critical,CA:TRUE", "-addext", "keyUsage=critical,keyCertSign,cRLSign"];
    openssl(
      ...["req", "-x509", "-new", "-key", key, "-days", "2", "-subj", `/CN=${name} authority`],
      ...extensions,
      "-out",
      this.file,
    );
  }

  /** The authority's own certificate. */
  get file(): string {
    return this.#path("ca.pem");
  }

  sign(name: string): Certificate {
    const keyFile = this.#path(`${name}.key`);
    const request = this.#path(`${name}.csr`);
    const certificateFile = this.#path(`${name}.pem`);
    const extensions = this.#path(`${name}.ext`);
    writeFileSync(
      extensions,
      "basicConstraints=CA:FALSE\nextendedKeyUsage=serverAuth,clientAuth\nsubjectAltName=DNS:localhost,IP:127.0.0.1,IP:::1\n",
    );
    openssl("ecparam", "-genkey", "-name", "prime256v1", "-noout", "-out", keyFile);
    openssl("req", "-new", "-key", keyFile, "-subj", `/CN=${name}`, "-out", request);
    openssl(
      ...["x509", "-req", "-in", request, "-CA", this.file, "-CAkey", this.#path("ca.key"), "-CAcreateserial"],
      ...["-days", "2", "-extfile", extensions, "-out", certificateFile],
    );
    return {
      keyFile,
      certificateFile,
      authorityFile: this.file,
      key: readFileSync(keyFile, "utf8"),
      certificate: readFileSync(certificateFile, "utf8"),
      authority: readFileSync(this.file, "utf8"),
    };
  }

  #path(file: string): string {
    return join(this.#folder, `${this.#name}-${file}`);
  }
}
