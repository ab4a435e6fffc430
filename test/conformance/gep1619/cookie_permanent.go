// Sessions in a cookie that the client keeps for a time of its own.
package gep1619

import (
	nethttp "net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	confsuite "sigs.k8s.io/gateway-api/conformance/utils/suite"
	"sigs.k8s.io/gateway-api/pkg/features"
)

const (
	absoluteTimeout = 5 * time.Minute
	// Between the gateway's clock at the response and the test's, with Expires in whole seconds.
	clockTolerance = 10 * time.Second
)

// HTTPRouteSessionPersistenceCookiePermanent is the plan's case of lifetimeType Permanent.
var HTTPRouteSessionPersistenceCookiePermanent = confsuite.ConformanceTest{
	ShortName:   "HTTPRouteSessionPersistenceCookiePermanent",
	Description: "An HTTPRoute whose rule keeps sessions in a cookie of lifetime Permanent for five minutes",
	Manifests:   []string{"httproute-session-persistence-cookie-permanent.yaml"},
	Features: []features.FeatureName{
		features.SupportGateway,
		features.SupportHTTPRoute,
		SupportHTTPRouteSessionPersistence,
		SupportHTTPRouteSessionPersistencePermanentCookie,
	},
	Test: permanentCase("session-persistence-cookie-permanent"),
}

// XBackendSessionPersistenceCookiePermanent is the same where the sessions belong to the backend.
var XBackendSessionPersistenceCookiePermanent = confsuite.ConformanceTest{
	ShortName:   "XBackendSessionPersistenceCookiePermanent",
	Description: "An XBackend that keeps sessions in a cookie of lifetime Permanent for five minutes",
	Manifests:   []string{"xbackend-session-persistence-cookie-permanent.yaml"},
	Features: []features.FeatureName{
		features.SupportGateway,
		features.SupportHTTPRoute,
		SupportXBackendSessionPersistence,
	},
	Test: permanentCase("xbackend-session-persistence-cookie-permanent", "session-persistence-cookie-permanent"),
}

func permanentCase(route string, xBackends ...string) func(*testing.T, *confsuite.ConformanceTestSuite) {
	return func(t *testing.T, suite *confsuite.ConformanceTestSuite) {
		gwAddr := routeMustServe(t, suite, route, "/")
		xBackendsMustBeAccepted(t, suite, xBackends...)

		t.Run("The cookie lives as long as absoluteTimeout says", func(t *testing.T) {
			cookie := firstCookie(t, newVisitor(suite, gwAddr).get(t, "/"))
			require.InDelta(t, absoluteTimeout.Seconds(), lifetime(t, cookie).Seconds(), clockTolerance.Seconds())
		})

		t.Run("Requests with the cookie reach the Pod of the first", func(t *testing.T) {
			client := newVisitor(suite, gwAddr)
			first := client.get(t, "/")
			client.mustStay(t, "/", first.pod)
		})
	}
}

// lifetime by RFC 6265, where Max-Age wins over Expires.
func lifetime(t *testing.T, cookie *nethttp.Cookie) time.Duration {
	t.Helper()
	if cookie.MaxAge != 0 {
		return time.Duration(cookie.MaxAge) * time.Second
	}
	require.NotEmpty(t, cookie.RawExpires, "a cookie of lifetime Permanent must have Max-Age or Expires")
	return time.Until(cookie.Expires)
}
