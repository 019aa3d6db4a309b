import type { Plugin } from "esbuild"

export declare const directImports: Plugin
export declare const quickCommands: Plugin
