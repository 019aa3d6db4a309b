import { execFileSync } from "node:child_process"
import { chmodSync, cpSync, mkdirSync, readdirSync, readFileSync, statSync, symlinkSync } from "node:fs"
import { basename, join, resolve } from "node:path"
import { fileURLToPath } from "node:url"
import { Copy, DockerfileParser, type Instruction, JSONInstruction } from "dockerfile-ast"

export const root = fileURLToPath(new URL("../../", import.meta.url))
export const dockerfile = readFileSync(join(root, "deploy/Dockerfile"), "utf8")

/** Returns the instructions of each stage, from its FROM on. */
export const stages = (): ReadonlyArray<ReadonlyArray<Instruction>> => {
  const found: Array<Array<Instruction>> = []
  for (const instruction of DockerfileParser.parse(dockerfile).getInstructions()) {
    if (instruction.getKeyword() === "FROM") found.push([])
    found.at(-1)?.push(instruction)
  }
  return found
}

const words = (instruction: Instruction) => instruction.getArguments().map((argument) => argument.getValue())

/** Returns the instruction's strings, where it is in exec form. */
export const execForm = (instruction: Instruction): ReadonlyArray<string> | undefined => {
  const strings = instruction instanceof JSONInstruction ? instruction.getJSONStrings() : []
  return strings.length === 0 ? undefined : strings.map((text) => JSON.parse(text.getValue()))
}

/** Returns whether the builder gets `path` of the checkout: the ignore file lists what is admitted. */
const isAdmitted = (path: string): boolean => {
  const [first, ...admitted] = readFileSync(join(root, ".dockerignore"), "utf8")
    .split("\n")
    .filter((line) => /^[^#]/.test(line))
  if (first !== "*") throw new Error("Everything is ignored first")
  return admitted.some((line) => {
    const admittedPath = line.replace(/^!/, "")
    return path === admittedPath || path.startsWith(`${admittedPath}/`) || admittedPath.startsWith(`${path}/`)
  })
}

export interface Image {
  /** The image's files below the base's. */
  readonly folder: string
  readonly env: Readonly<Record<string, string>>
  readonly workdir: string
}

/**
 * Does what `docker build` does with the Dockerfile, in folders, with the machine's Node in place of the base images and
 * the installed packages in place of `npm ci`; all below `folder`.
 */
export const buildImage = (folder: string): Image => {
  let env: Readonly<Record<string, string>> = {}
  let workdir = "/"
  const built = stages().map((stage, index) => {
    const files = join(folder, String(index))
    workdir = "/"
    env = {}
    const inside = (path: string) => join(files, resolve(workdir, path))
    const run = {
      WORKDIR: ([path = ""]) => {
        workdir = path
        mkdirSync(inside("."), { recursive: true })
      },
      ENV: (pairs) => {
        env = Object.fromEntries(pairs.map((pair) => pair.split("=", 2)))
      },
      COPY: (given, instruction) => {
        const fromStage =
          instruction instanceof Copy && instruction.getFlags().some((flag) => flag.getName() === "from")
        const [to = "", ...sources] = [...given].reverse()
        for (const path of sources) {
          const source = fromStage ? join(folder, "0", path) : join(root, path)
          const target = to.endsWith("/") && statSync(source).isFile() ? join(to, basename(path)) : to
          const filter = (file: string) => fromStage || isAdmitted(file.slice(root.length))
          if (statSync(source).isDirectory()) mkdirSync(inside(target), { recursive: true })
          cpSync(source, inside(target), { recursive: true, filter })
        }
      },
      RUN: (given, instruction) => {
        if (given.includes("ci")) return symlinkSync(join(root, "node_modules"), inside("node_modules"))
        const [command = "", ...args] = execForm(instruction) ?? []
        execFileSync(command === "node" ? process.execPath : command, args, { cwd: inside("."), stdio: "pipe" })
      }
    } satisfies Record<string, (given: ReadonlyArray<string>, instruction: Instruction) => void>
    for (const instruction of stage) {
      const keyword = instruction.getKeyword()
      if (keyword in run) run[keyword as keyof typeof run](words(instruction), instruction)
    }
    return files
  })
  // Readable and executable, as the image's user finds it.
  chmodSync(folder, 0o755)
  const image = built.at(-1) ?? folder
  mkdirSync(join(image, "nodejs/bin"), { recursive: true })
  cpSync(process.execPath, join(image, "nodejs/bin/node"), { dereference: true })
  return { folder: image, env, workdir }
}

/** Returns the size of the files below `folder`, in bytes. */
export const sizeOf = (folder: string): number =>
  readdirSync(folder, { recursive: true, encoding: "utf8" })
    .map((path) => statSync(join(folder, path)))
    .reduce((sum, found) => sum + (found.isFile() ? found.size : 0), 0)
