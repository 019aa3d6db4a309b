// Builds the pages' files into a public folder: the browser's code and styles under names that carry their content's
// hash (assets.json says which), the documentation page's assets, and each text file also as gzip and brotli.
import { createHash } from "node:crypto"
import { cp, mkdir, readdir, readFile, writeFile } from "node:fs/promises"
import { createRequire } from "node:module"
import { basename, dirname, join, parse } from "node:path"
import { fileURLToPath } from "node:url"
import { promisify } from "node:util"
import { brotliCompress, constants, gzip } from "node:zlib"
import { build } from "esbuild"

const root = fileURLToPath(new URL("..", import.meta.url))

/** The code and styles of the pages, under the names by which the server knows them. */
const entries = {
  poll: "src/web/poll/main.ts",
  solver: "src/web/poll/solverWorker.ts",
  missing: "src/web/missing.ts",
  admin: "src/web/admin/main.ts",
  verify: "src/web/verify/main.ts",
  page: "src/web/page.css",
  tools: "src/web/admin.css"
}

const bundle = async (folder) => {
  const { metafile } = await build({
    absWorkingDir: root,
    entryPoints: entries,
    outdir: folder,
    entryNames: "[name]-[hash]",
    bundle: true,
    format: "esm",
    platform: "browser",
    // What each of these lacks of the language; src/web/tsconfig.json and test/browser/older.test.ts say what of the library.
    target: ["chrome90", "firefox90", "safari15"],
    minify: true,
    // The licences of what is bundled go along with it.
    legalComments: "inline",
    logLevel: "warning",
    metafile: true
  })
  const named = Object.keys(metafile.outputs).map((path) => basename(path))
  return Object.fromEntries(named.map((file) => [file.replace(/-[A-Z0-9]{8}(\.\w+)$/, "$1"), file]))
}

/** Writes a file under a name with its content's hash, and returns how the server knows it and where it is. */
const writeNamed = async (folder, name, content) => {
  const { ext, name: stem } = parse(name)
  const file = `${stem}-${createHash("sha256").update(content).digest("hex").slice(0, 8).toUpperCase()}${ext}`
  await writeFile(join(folder, file), content)
  return { [name]: file }
}

/** The pictures that pages name; test/browser/pictures.ts draws the PNGs. */
const pictures = ["icon.svg", "icon-180.png", "icon-512.png", "share.png"]

const copyPictures = async (folder) => {
  const named = pictures.map(async (name) =>
    writeNamed(folder, name, await readFile(join(root, "src/web/pictures", name)))
  )
  return Object.assign({}, ...(await Promise.all(named)))
}

/** Says how a page looks among a phone's apps. Without a `start_url`, that is the page that was put there. */
const writeManifest = (folder, files) =>
  writeNamed(
    folder,
    "site.webmanifest",
    JSON.stringify({
      name: "tallykeep",
      display: "minimal-ui",
      background_color: "#f6f7fa",
      theme_color: "#f6f7fa",
      icons: [
        { src: files["icon.svg"], sizes: "any", type: "image/svg+xml" },
        { src: files["icon-180.png"], sizes: "180x180", type: "image/png" },
        { src: files["icon-512.png"], sizes: "512x512", type: "image/png", purpose: "any maskable" }
      ]
    })
  )

const [gzipped, brotlied] = [promisify(gzip), promisify(brotliCompress)]

/** The smallest size is worth its time for files that are sent often, which the documentation's large ones are not. */
const compress = async (path) => {
  const bytes = await readFile(path)
  const quality = bytes.length > 200_000 ? 9 : 11
  await writeFile(`${path}.gz`, await gzipped(bytes, { level: 9 }))
  await writeFile(`${path}.br`, await brotlied(bytes, { params: { [constants.BROTLI_PARAM_QUALITY]: quality } }))
}

/** Makes all the files that `folder` has to hold for the pages to be served. */
export const buildPublic = async (folder) => {
  const assets = join(folder, "assets")
  await mkdir(assets, { recursive: true })
  await cp(join(root, "src/web/public"), folder, { recursive: true })
  const files = await copyPictures(assets)
  const manifest = { ...(await bundle(assets)), ...files, ...(await writeManifest(assets, files)) }
  await writeFile(join(folder, "assets.json"), JSON.stringify(manifest))

  const swagger = dirname(createRequire(import.meta.url).resolve("swagger-ui-dist/package.json"))
  for (const file of ["swagger-ui.css", "swagger-ui-bundle.js", "LICENSE"]) {
    await cp(join(swagger, file), join(folder, "docs", file))
  }
  for (const part of ["assets", "docs"]) {
    for (const file of await readdir(join(folder, part))) {
      if (/\.(css|js|svg|webmanifest)$/.test(file)) await compress(join(folder, part, file))
    }
  }
}
