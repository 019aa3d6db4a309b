import type { PollView } from "../../domain/PollView.ts"
import { takesToken } from "../../domain/TakesToken.ts"
import type { Results } from "../../domain/Tally.ts"
import { make, say } from "../dom.ts"
import { admin } from "../words/deskWords.ts"
import { share as words } from "../words/shareWords.ts"
import { copyText } from "./copyText.ts"
import { field } from "./fields.ts"
import { drawPicture } from "./resultsPicture.ts"
import { savePicture } from "./save.ts"
import type { AdminAsk } from "./session.ts"

/** How large the QR code's PNG is, in pixels each way: enough for a poster. */
const size = 1480

/** Draws the QR code that is shown, which is of our own origin, so that the canvas may be read. */
const drawCode = (code: HTMLImageElement): HTMLCanvasElement => {
  const canvas = make("canvas", { width: String(size), height: String(size) })
  const context = canvas.getContext("2d")
  if (context !== null) {
    context.imageSmoothingEnabled = false
    context.drawImage(code, 0, 0, size, size)
  }
  return canvas
}

/** Makes what shares a poll: its link, its QR code, a mail, and a picture of its results. */
export const sharing = (ask: AdminAsk, poll: PollView): HTMLElement => {
  const { slug } = poll
  const address = `${location.origin}/polls/${slug}`
  const link = make("input", { type: "url", readonly: true, value: address })
  const said = make("p", { role: "status" })
  const plain = (label: string, act: () => Promise<string>): HTMLButtonElement => {
    const button = make("button", { type: "button", class: "plain" }, label)
    button.addEventListener("click", async () => say(said, await act()))
    return button
  }
  const copy = plain(words.copy, async () => {
    await copyText(link)
    return words.copied
  })
  const svg = `/polls/${slug}/qr.svg`
  const code = make("img", { class: "code", src: svg, alt: words.code(address), width: "148", height: "148" })
  const png = plain(words.png, async () => {
    await code.decode()
    return (await savePicture(`${slug}-qr.png`, drawCode(code))) ? "" : words.noPicture
  })
  const picture = plain(words.picture, async () => {
    const answer = await ask<Results>(`/api/polls/${slug}/results`)
    if (answer.kind !== "ok") return admin.missed
    const drawn = drawPicture(poll, answer.body, ask.now())
    return (await savePicture(`${slug}-results.png`, drawn)) ? "" : words.noPicture
  })
  const mail = `mailto:?subject=${encodeURIComponent(poll.title)}&body=${encodeURIComponent(words.mailBody(poll, address))}`
  return make(
    "section",
    { class: "stack sharing", "aria-label": words.heading },
    make("h3", {}, words.heading),
    takesToken(poll.identity) ? field(words.linkOnly, link, words.linkHints[poll.identity]) : field(words.link, link),
    make(
      "div",
      { class: "actions" },
      copy,
      make("a", { class: "button", href: mail }, words.mail),
      ...(poll.status === "draft" ? [] : [picture])
    ),
    make(
      "div",
      { class: "codes" },
      code,
      make(
        "div",
        { class: "actions" },
        make("a", { class: "button", href: svg, download: `${slug}-qr.svg` }, words.svg),
        png
      )
    ),
    said
  )
}
