// Makes the secrets of the system in compose.yaml, each once: for each service a folder with those that it needs, the only one
// that it sees.
import { randomBytes } from "node:crypto"
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs"
import { join } from "node:path"

const [folder = "/data"] = process.argv.slice(2)

/** The text of a service's file, which `make` gives where there is none yet. */
const once = (service, name, make) => {
  const path = join(folder, service, name)
  if (!existsSync(path)) {
    mkdirSync(join(folder, service), { recursive: true, mode: 0o755 })
    // Whole or not at all. The services run as different users; only they have the folder.
    writeFileSync(`${path}.new`, make(), { mode: 0o444 })
    renameSync(`${path}.new`, path)
  }
  return readFileSync(path, "utf8")
}

const secret = () => randomBytes(32).toString("base64url")
const lines = (...list) => list.map((line) => `${line}\n`).join("")

const database = once("postgres", "password", secret)
const redis = once("redis", "password", secret)
once("redis", "redis.conf", () => lines(`requirepass ${redis}`))
once("grafana", "password", secret)

const servers = [
  `DATABASE_URL=postgres://tallykeep:${database}@postgres:5432/tallykeep`,
  `REDIS_URL=redis://:${redis}@redis:6379`
]
once("api", "tallykeep.env", () => lines(...servers, `ADMIN_TOKEN=${secret()}`, `VOTER_SECRET=${secret()}`))
once("consumer", "tallykeep.env", () => lines(...servers, `LOG_KEY=${secret()}`))
