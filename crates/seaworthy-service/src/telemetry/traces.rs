//! W3C trace context and OpenTelemetry traces: who asked, and where the time went.
//!
//! The context of a request is taken over from its `traceparent` (W3C Trace Context, level 1). Without an
//! exporter that is all, and it costs a request without the header nothing. With one there is a span for
//! each request and a child for each question to the database.

use std::{
    borrow::Cow,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use http::{HeaderMap, Method};
use opentelemetry::{
    Context, KeyValue,
    propagation::{Extractor, TextMapPropagator as _},
    trace::{
        FutureExt as _, Span as _, SpanBuilder, SpanKind, Status, TraceContextExt as _, Tracer as _,
        TracerProvider as _,
    },
};
use opentelemetry_http::{HttpClient, HttpError, hyper::HyperClient};
use opentelemetry_otlp::{SpanExporter, WithExportConfig as _, WithHttpConfig as _};
use opentelemetry_sdk::{
    Resource,
    propagation::TraceContextPropagator,
    trace::{SdkTracer, SdkTracerProvider},
};
use tokio::runtime::Handle;

use super::metrics::Metrics;

/// The header of W3C Trace Context.
const TRACE_PARENT: http::HeaderName = http::HeaderName::from_static("traceparent");

/// How long one export may take (OpenTelemetry's default for `OTEL_EXPORTER_OTLP_TIMEOUT`).
const EXPORT: Duration = Duration::from_secs(10);

/// The SDK exports from a thread of its own, which has no runtime; the client needs one.
#[derive(Debug)]
struct OnRuntime {
    client: HyperClient,
    runtime: Handle,
    metrics: Arc<Metrics>,
    /// Whether the last export failed: a collector that is away is told of once, not every few seconds.
    failing: Arc<AtomicBool>,
}

impl HttpClient for OnRuntime {
    fn send_bytes<'a, 'b>(
        &'a self,
        request: http::Request<Bytes>,
    ) -> Pin<Box<dyn Future<Output = Result<http::Response<Bytes>, HttpError>> + Send + 'b>>
    where
        'a: 'b,
        Self: 'b,
    {
        let client = self.client.clone();
        let (metrics, failing) = (Arc::clone(&self.metrics), Arc::clone(&self.failing));
        let sent = self.runtime.spawn(async move {
            let answer = client.send_bytes(request).await;
            let problem = match &answer {
                Ok(answer) if answer.status().is_success() => None,
                Ok(answer) => Some(format!("it answered {}", answer.status())),
                Err(error) => Some(error.to_string()),
            };
            metrics.trace_export(problem.is_none());
            match problem {
                None => failing.store(false, Ordering::Relaxed),
                Some(problem) if !failing.swap(true, Ordering::Relaxed) => {
                    tracing::warn!(problem, "the collector does not take traces; they are lost while it does not");
                }
                Some(_) => {}
            }
            answer
        });
        Box::pin(async move { sent.await? })
    }
}

/// Where traces go, if anywhere.
#[derive(Debug, Default)]
pub(crate) struct Traces {
    exporter: Option<(SdkTracerProvider, SdkTracer)>,
}

impl Traces {
    /// Exports by OTLP over HTTP. The rest (headers, timeout, resource attributes, sampler) is read from
    /// the environment by the SDK, as its specification says.
    pub(crate) fn export(
        endpoint: &str,
        version: &'static str,
        replica: &str,
        metrics: Arc<Metrics>,
    ) -> Result<Self, String> {
        let client = OnRuntime {
            client: HyperClient::with_default_connector(EXPORT, None),
            runtime: Handle::current(),
            metrics,
            failing: Arc::default(),
        };
        let exporter = SpanExporter::builder()
            .with_http()
            .with_http_client(client)
            .with_endpoint(endpoint)
            .build()
            .map_err(|error| error.to_string())?;
        let resource = Resource::builder()
            .with_attribute(KeyValue::new("service.version", version))
            .with_attribute(KeyValue::new("service.instance.id", replica.to_owned()))
            .build();
        let provider = SdkTracerProvider::builder().with_batch_exporter(exporter).with_resource(resource).build();
        let tracer = provider.tracer("seaworthy");
        Ok(Self { exporter: Some((provider, tracer)) })
    }

    /// The context of a request: its span where traces are exported, else what the client sent.
    pub(crate) fn begin(&self, method: &Method, route: &'static str, headers: &HeaderMap) -> Trace {
        let parent = headers
            .contains_key(&TRACE_PARENT)
            .then(|| TraceContextPropagator::new().extract_with_context(&Context::new(), &Headers(headers)));
        let Some((_, tracer)) = &self.exporter else {
            return Trace { context: parent, own: false };
        };
        let span = SpanBuilder::from_name(format!("{method} {route}")).with_kind(SpanKind::Server).with_attributes([
            KeyValue::new("http.request.method", method.to_string()),
            KeyValue::new("http.route", route),
        ]);
        let parent = parent.unwrap_or_default();
        let span = tracer.build_with_context(span, &parent);
        Trace { context: Some(parent.with_span(span)), own: true }
    }

    /// A span for a question to the database, where the request that asks has one. Call what it returns
    /// with the outcome.
    pub(crate) fn database_span(&self, operation: &'static str) -> impl FnOnce(Option<&str>) + use<> {
        let context = Context::current();
        let span = self.exporter.as_ref().filter(|_| context.has_active_span()).map(|(_, tracer)| {
            let span = SpanBuilder::from_name(operation).with_kind(SpanKind::Client);
            tracer.build_with_context(span, &context)
        });
        move |error| {
            if let Some(mut span) = span {
                if let Some(error) = error {
                    span.set_status(Status::error(error.to_owned()));
                }
                span.end();
            }
        }
    }

    /// Sends what has not been sent. Blocks for at most `patience`.
    pub(crate) fn shutdown(&self, patience: Duration) {
        if let Some((provider, _)) = &self.exporter
            && let Err(error) = provider.shutdown_with_timeout(patience)
        {
            tracing::warn!(%error, "the last traces were not sent");
        }
    }
}

/// The context of one request.
#[derive(Clone, Debug, Default)]
pub(crate) struct Trace {
    context: Option<Context>,
    own: bool,
}

impl Trace {
    /// The trace's id, where there is one.
    pub(crate) fn id(&self) -> Option<String> {
        let span = self.context.as_ref()?.span();
        let context = span.span_context();
        context.is_valid().then(|| context.trace_id().to_string())
    }

    /// What a client is told of our span (W3C Trace Context level 2, `traceresponse`).
    pub(crate) fn response(&self) -> Option<String> {
        if !self.own {
            return None;
        }
        let span = self.context.as_ref()?.span();
        let context = span.span_context();
        Some(format!("00-{}-{}-{:02x}", context.trace_id(), context.span_id(), context.trace_flags().to_u8()))
    }

    /// Runs `work` inside this context, so that its questions to the database are children of it.
    pub(crate) async fn around<F: Future>(&self, work: F) -> F::Output {
        match &self.context {
            Some(context) if self.own => work.with_context(context.clone()).await,
            _ => work.await,
        }
    }

    /// The request was answered.
    pub(crate) fn end(&self, status: u16) {
        if !self.own {
            return;
        }
        if let Some(context) = &self.context {
            let span = context.span();
            span.set_attribute(KeyValue::new("http.response.status_code", i64::from(status)));
            if status >= 500 {
                span.set_status(Status::Error { description: Cow::Borrowed("") });
            }
            span.end();
        }
    }
}

struct Headers<'a>(&'a HeaderMap);

impl Extractor for Headers<'_> {
    fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key)?.to_str().ok()
    }

    fn keys(&self) -> Vec<&str> {
        self.0.keys().map(http::HeaderName::as_str).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sent(traceparent: &str) -> Option<String> {
        let mut headers = HeaderMap::new();
        headers.insert("traceparent", traceparent.parse().unwrap());
        Traces::default().begin(&Method::GET, "/", &headers).id()
    }

    #[test]
    fn a_clients_trace_is_taken_over_and_a_malformed_one_is_not() {
        let id = "4bf92f3577b34da6a3ce929d0e0e4736";
        assert_eq!(sent(&format!("00-{id}-00f067aa0ba902b7-01")).as_deref(), Some(id));
        for bad in ["", "00", "00-zz-00f067aa0ba902b7-01", "00-00000000000000000000000000000000-00f067aa0ba902b7-01"] {
            assert_eq!(sent(bad), None, "{bad}");
        }
    }
}
