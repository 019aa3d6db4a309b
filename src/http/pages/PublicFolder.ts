import { Context } from "effect"

/** The folder of the files that pages are made of, as the build makes it. */
export class PublicFolder extends Context.Service<PublicFolder, URL>()("tallykeep/http/pages/PublicFolder") {}
