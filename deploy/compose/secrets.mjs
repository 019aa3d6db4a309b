// Makes the secrets of the system in compose.yaml, each once, in the folder that its services share.
import { randomBytes } from "node:crypto"
import { existsSync, readFileSync, renameSync, writeFileSync } from "node:fs"
import { join } from "node:path"

const [folder = "/data"] = process.argv.slice(2)

/** The file's text, which `make` gives where there is none yet. */
const once = (name, make) => {
  const path = join(folder, name)
  if (!existsSync(path)) {
    // Whole or not at all. The services run as different users; only they have the folder.
    writeFileSync(`${path}.new`, make(), { mode: 0o444 })
    renameSync(`${path}.new`, path)
  }
  return readFileSync(path, "utf8")
}

const secret = () => randomBytes(32).toString("base64url")

const password = once("postgres-password", secret)
once("grafana-password", secret)
once("tallykeep.env", () =>
  [
    `DATABASE_URL=postgres://tallykeep:${password}@postgres:5432/tallykeep`,
    `ADMIN_TOKEN=${secret()}`,
    `VOTER_SECRET=${secret()}`,
    ""
  ].join("\n")
)
