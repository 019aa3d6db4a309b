import { compareLog, newestLog, toldOf } from "../../domain/log/ComparedLog.ts"
import { sha256 } from "../../domain/log/Sha256.ts"
import type { Told } from "../../domain/log/ToldDifferences.ts"
import { byId, make, say } from "../dom.ts"
import { bytesAt, canVerify, keepCheckpoint, keptCheckpoint, offer, pause } from "../logFiles.ts"
import { countedFor, verify as words } from "../words/logWords.ts"

const slug = byId("verify", HTMLElement).dataset.slug ?? ""
const poll = `/api/polls/${slug}`
const notice = byId("notice", HTMLElement)

const tell = (text: string, tone: "busy" | "good" | "bad" | "none"): void => {
  notice.dataset.tone = tone
  say(byId("notice-text", HTMLElement), text)
}

const json = async <A>(url: string): Promise<A | undefined> => {
  const body = await bytesAt(url)
  return body === undefined ? undefined : JSON.parse(new TextDecoder().decode(body))
}

const told = async (): Promise<Told> => {
  const view = await json<Parameters<typeof toldOf>[0]>(poll)
  const results = await json<NonNullable<Told["results"]>>(`${poll}/results`)
  return toldOf(view, results)
}

const progress = byId("progress", HTMLProgressElement)
let shown = 0
/** Shows how far it is; the page has to be drawn now and then, which reading would not let it. */
const show = (leaves: number, of: number): void => {
  progress.value = leaves / of
  if (performance.now() - shown < 500) return
  shown = performance.now()
  tell(words.reading(leaves, of), "busy")
}

const run = async (): Promise<void> => {
  const exists = async (number: number) => (await bytesAt(`${poll}/log/${number}/checkpoint`)) !== undefined
  if ((await bytesAt(`${poll}/log/checkpoint`)) === undefined) return tell(words.none, "none")
  if (!(await canVerify())) return tell(words.uncheckable, "none")
  const number = await newestLog(exists)
  const path = `${poll}/log${number === 1 ? "" : `/${number}`}`
  const checkpoint = keptCheckpoint(path)
  const source = { file: (file: string) => bytesAt(`${path}/${file}`), progress: show }
  const { log, moving, wrong } = await compareLog({
    hash: sha256,
    source,
    told,
    kept: checkpoint === undefined ? {} : { checkpoints: [checkpoint] },
    pause: () => pause(1_000)
  })
  const { counted, fold, note } = log
  progress.value = 1
  if (wrong.length > 0) tell(words.wrong, "bad")
  else tell(fold.isHiding ? words.early : moving ? words.moving : words.holds, "good")
  byId("wrong", HTMLElement).replaceChildren(...wrong.map((what) => make("li", {}, what)))
  say(byId("outcome", HTMLElement), words.counted(counted.ballots))
  const labels = new Map(fold.poll?.options.map(({ id, label }) => [id, label]))
  const said = counted.ballots - counted.hidden - counted.abstained
  const kind = fold.poll?.kind ?? "single"
  const lines = [
    ...counted.options.map((option) =>
      words.option(labels.get(option.id) ?? option.id, countedFor(kind, option, said))
    ),
    ...(counted.abstained === 0 ? [] : [words.abstained(counted.abstained)]),
    ...(counted.hidden === 0 ? [] : [words.hidden(counted.hidden)]),
    ...(fold.made === undefined ? [] : [words.made(fold.made)])
  ]
  byId("counts", HTMLElement).replaceChildren(...lines.map((line) => make("li", {}, line)))
  // What was kept stays where it does not hold: it is the evidence.
  if (wrong.length === 0) keepCheckpoint(path, note)
  offer(
    byId("keep", HTMLAnchorElement),
    `${slug}.checkpoint`,
    wrong.length > 0 && checkpoint !== undefined ? `${checkpoint}\n${note}` : note
  )
}

run().catch(() => tell(words.away, "bad"))
