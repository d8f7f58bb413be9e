import { Hono } from "hono";
import { baseOf } from "../../guard";
import { helpOf, type SiteEnv } from "../../site";

/** Where help for receivers stood before there were guides. */
export const helpPages = new Hono<SiteEnv>().get("/help", (c) => c.redirect(helpOf(baseOf(c)), 302));
