import { execFileSync } from "node:child_process"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Effect } from "effect"

const openssl = (folder: string, ...args: ReadonlyArray<string>) =>
  execFileSync("openssl", args, { cwd: folder, stdio: "pipe" })

const newKey = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"]

/** Makes a folder, removed with the scope. */
export const temporaryFolder = Effect.acquireRelease(
  Effect.sync(() => mkdtempSync(join(tmpdir(), "tallykeep-tls-"))),
  (folder) => Effect.sync(() => rmSync(folder, { recursive: true, force: true }))
)

/** Makes an authority, another one, and a server's certificate by the first for the name localhost alone. */
export const certificates = Effect.map(temporaryFolder, (folder) => {
  for (const name of ["ca", "other"]) {
    openssl(folder, "req", "-x509", ...newKey, "-subj", `/CN=${name}`, "-keyout", `${name}.key`, "-out", `${name}.crt`)
  }
  const signed = ["-CA", "ca.crt", "-CAkey", "ca.key", "-addext", "subjectAltName=DNS:localhost"]
  openssl(
    folder,
    "req",
    "-x509",
    ...newKey,
    "-subj",
    "/CN=server",
    ...signed,
    "-keyout",
    "server.key",
    "-out",
    "server.crt"
  )
  return { ca: join(folder, "ca.crt"), other: join(folder, "other.crt"), folder }
})
