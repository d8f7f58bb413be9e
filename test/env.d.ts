import { type Env as Bindings } from "../src/contracts/env";

declare global {
  namespace Cloudflare {
    interface Env extends Bindings {
      TEST_MIGRATIONS: import("cloudflare:test").D1Migration[];
      SPARE: D1Database;
    }
    interface GlobalProps {
      mainModule: typeof import("../src/index");
    }
  }
}

declare module "vitest" {
  interface ProvidedContext {
    raw: string;
    resolver: string;
  }
}

declare global {
  interface ImportMeta {
    /** Vite's: the files that match, here each as its text. */
    glob<T>(pattern: string, options: { query: string; import: string; eager: true }): Record<string, T>;
  }
}
