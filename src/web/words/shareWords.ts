import type { PollView } from "../../domain/PollView.ts"
import { times } from "../words.ts"
import { moment } from "./formats.ts"

/* The words of sharing a poll. */

export const share = {
  heading: "Share",
  link: "Link for voters",
  copy: "Copy the link",
  copied: "Copied.",
  code: (address: string) => `QR code of ${address}`,
  svg: "QR code as SVG",
  png: "QR code as PNG",
  picture: "Picture of the results",
  noPicture: "This browser could not make the picture.",
  mail: "Write a mail",
  /** What a mail says: the question, the link, and when the poll opens or closes. */
  mailBody: ({ closes_at, description, opens_at, status, title }: PollView, address: string): string =>
    [
      title,
      ...(description === undefined ? [] : [description]),
      `Vote here: ${address}`,
      ...(status === "upcoming" && opens_at !== undefined ? [`${times.opensAt(moment(Date.parse(opens_at)))}.`] : []),
      ...(closes_at === undefined || (status !== "upcoming" && status !== "open")
        ? []
        : [`${times.closesAt(moment(Date.parse(closes_at)))}.`])
    ].join("\n\n")
}
