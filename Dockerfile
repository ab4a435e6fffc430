# Limpet as an image: one file on Node.js, without a shell and without packages, for any user.
#   docker build -t registry.example/limpet:0.1.0 .

FROM node:24-bookworm-slim AS build
WORKDIR /build
COPY package.json package-lock.json .npmrc ./
RUN npm ci --ignore-scripts
COPY scripts/bundle.ts ./scripts/
COPY src ./src
# Not by npm, which would look for the Node.js of the development dependencies.
RUN node scripts/bundle.ts

FROM gcr.io/distroless/nodejs24-debian12:nonroot
LABEL org.opencontainers.image.title="limpet" \
      org.opencontainers.image.description="A gateway that brings every client home to the same backend instance" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="0.1.0"
COPY --from=build /build/dist/bundle/ /limpet/
COPY LICENSE /limpet/
USER 65532:65532
ENTRYPOINT ["/nodejs/bin/node", "/limpet/limpet.mjs"]
CMD ["--help"]
