// A tracer behind OpenTelemetry's API that keeps its spans, with W3C propagation: what an SDK does, without its weight.
// As `node --import` it writes every span that ends to standard error, one line of JSON each.
import { isMainThread } from "node:worker_threads";
import {
  type Attributes,
  type AttributeValue,
  type Context,
  type Exception,
  type Link,
  propagation,
  type Span,
  type SpanContext,
  SpanKind,
  type SpanOptions,
  type SpanStatus,
  type TextMapGetter,
  type TextMapPropagator,
  type TextMapSetter,
  type TimeInput,
  type Tracer,
  trace,
} from "@opentelemetry/api";

export class RecordedSpan implements Span {
  name: string;
  readonly kind: SpanKind;
  readonly attributes: Attributes;
  readonly parent: SpanContext | undefined;
  readonly context: SpanContext;
  status: SpanStatus | undefined;
  ends = 0;
  readonly #onEnd: (span: RecordedSpan) => void;

  constructor(
    name: string,
    options: SpanOptions,
    parent: SpanContext | undefined,
    context: SpanContext,
    onEnd: (span: RecordedSpan) => void,
  ) {
    this.name = name;
    this.kind = options.kind ?? SpanKind.INTERNAL;
    this.attributes = { ...options.attributes };
    this.parent = parent;
    this.context = context;
    this.#onEnd = onEnd;
  }

  spanContext(): SpanContext {
    return this.context;
  }

  setAttribute(key: string, value: AttributeValue): this {
    this.attributes[key] = value;
    return this;
  }

  setAttributes(attributes: Attributes): this {
    Object.assign(this.attributes, attributes);
    return this;
  }

  updateName(name: string): this {
    this.name = name;
    return this;
  }

  setStatus(status: SpanStatus): this {
    this.status = status;
    return this;
  }

  end(_at?: TimeInput): void {
    this.ends += 1;
    this.#onEnd(this);
  }

  isRecording(): boolean {
    return this.ends === 0;
  }

  addEvent(): this {
    return this;
  }

  addLink(_link: Link): this {
    return this;
  }

  addLinks(_links: Link[]): this {
    return this;
  }

  recordException(_exception: Exception): void {}
}

const hex = (value: number, length: number) => value.toString(16).padStart(length, "0");

class RecordingTracer implements Tracer {
  readonly #onEnd: (span: RecordedSpan) => void;
  #spans = 0;

  constructor(onEnd: (span: RecordedSpan) => void) {
    this.#onEnd = onEnd;
  }

  startSpan(name: string, options: SpanOptions, context: Context): Span {
    const parent = trace.getSpanContext(context);
    this.#spans += 1;
    const traceId = parent?.traceId ?? hex(this.#spans, 32);
    const own = { traceId, spanId: hex(this.#spans, 16), traceFlags: 1 };
    return new RecordedSpan(name, options, parent, own, this.#onEnd);
  }

  startActiveSpan(): never {
    throw new Error("the gateway has no use for it");
  }
}

class Propagator implements TextMapPropagator {
  inject(context: Context, carrier: unknown, setter: TextMapSetter): void {
    const { traceId, spanId } = trace.getSpanContext(context) as SpanContext;
    setter.set(carrier, "traceparent", `00-${traceId}-${spanId}-01`);
  }

  extract(context: Context, carrier: unknown, getter: TextMapGetter): Context {
    const value = getter.get(carrier, "traceparent");
    const [, traceId, spanId] = (typeof value === "string" ? value : "").split("-");
    if (traceId?.length !== 32 || spanId?.length !== 16) return context;
    return trace.setSpanContext(context, { traceId, spanId, traceFlags: 1, isRemote: true });
  }

  fields(): string[] {
    return ["traceparent"];
  }
}

/** Puts it behind the API of this process. */
export function recordSpans(onEnd: (span: RecordedSpan) => void): void {
  const tracer = new RecordingTracer(onEnd);
  trace.setGlobalTracerProvider({ getTracer: () => tracer });
  propagation.setGlobalPropagator(new Propagator());
}

if (isMainThread && process.env["RECORD_SPANS"] === "stderr") {
  recordSpans(({ name, kind, attributes, parent, context }) => {
    const span = { name, kind: SpanKind[kind], attributes, parent: parent?.spanId, ...context };
    process.stderr.write(`${JSON.stringify({ span })}\n`);
  });
}
