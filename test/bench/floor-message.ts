/** What a message of the floor asks for: one request, ready made. */
export interface FloorMessage {
  url: string;
  headers: Record<string, string>;
  body: string;
}

/** A post to the floor, which makes `times` messages of it. */
export interface FloorPost extends FloorMessage {
  times: number;
}
