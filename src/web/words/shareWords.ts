import type { PollView } from "../../domain/PollView.ts"
import { times } from "../words.ts"
import { moment } from "./formats.ts"

/* The words of sharing a poll. */

/** What a mail says before the address of a poll that has not closed. */
const invitations: Readonly<Record<PollView["identity"], string>> = {
  anyone: "Vote here",
  browser: "Vote here",
  token: "Vote with your personal link. The poll is here",
  provider: "Vote from the site where you are signed in. The poll is here"
}

export const share = {
  heading: "Share",
  link: "Link for voters",
  /** Of a poll whose address alone lets nobody vote. */
  linkOnly: "Link to the poll",
  linkHints: {
    token: "It shows the poll. To vote takes a voter link, and each voter has one of their own.",
    provider: "It shows the poll. Voters come to it from the site where they are signed in."
  },
  copy: "Copy the link",
  copied: "Copied.",
  code: (address: string) => `QR code of ${address}`,
  svg: "QR code as SVG",
  png: "QR code as PNG",
  picture: "Picture of the results",
  noPicture: "This browser could not make the picture.",
  mail: "Write a mail",
  /** What a mail says: the question, the link, and when the poll opens or closes. */
  mailBody: ({ closes_at, description, identity, opens_at, status, title }: PollView, address: string): string =>
    [
      title,
      ...(description === undefined ? [] : [description]),
      `${status === "counting" || status === "final" ? "See the result" : invitations[identity]}: ${address}`,
      ...(status === "upcoming" && opens_at !== undefined ? [`${times.opensAt(moment(Date.parse(opens_at)))}.`] : []),
      ...(closes_at === undefined || (status !== "upcoming" && status !== "open")
        ? []
        : [`${times.closesAt(moment(Date.parse(closes_at)))}.`])
    ].join("\n\n")
}
