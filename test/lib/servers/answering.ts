import type { IncomingMessage, RequestListener, ServerResponse } from "node:http";

/**
 * A listener whose work may fail: a sender that hangs up within its body is nobody's error, and what else goes wrong is
 * told as a 500. Unhandled, either would end the run with an error outside of all tests.
 */
export function answering(
  handle: (request: IncomingMessage, response: ServerResponse) => Promise<void>,
): RequestListener {
  return (request, response) => {
    handle(request, response).catch((error) => {
      if (!response.headersSent) response.writeHead(500);
      response.end(String(error));
    });
  };
}
