// Sessions in a cookie that ends with the browser's session, at one backend.
package gep1619

import (
	"testing"

	"github.com/stretchr/testify/require"

	confsuite "sigs.k8s.io/gateway-api/conformance/utils/suite"
	"sigs.k8s.io/gateway-api/pkg/features"
)

// HTTPRouteSessionPersistenceCookie is the plan's simple case, and its case of the default lifetime.
var HTTPRouteSessionPersistenceCookie = confsuite.ConformanceTest{
	ShortName:   "HTTPRouteSessionPersistenceCookie",
	Description: "An HTTPRoute whose rule keeps sessions in a cookie of lifetime Session",
	Manifests:   []string{"httproute-session-persistence-cookie.yaml"},
	Features: []features.FeatureName{
		features.SupportGateway,
		features.SupportHTTPRoute,
		SupportHTTPRouteSessionPersistence,
	},
	Test: cookieCase("session-persistence-cookie"),
}

// XBackendSessionPersistenceCookie is the same where the sessions belong to the backend.
var XBackendSessionPersistenceCookie = confsuite.ConformanceTest{
	ShortName:   "XBackendSessionPersistenceCookie",
	Description: "An XBackend that keeps sessions in a cookie of lifetime Session",
	Manifests:   []string{"xbackend-session-persistence-cookie.yaml"},
	Features: []features.FeatureName{
		features.SupportGateway,
		features.SupportHTTPRoute,
		SupportXBackendSessionPersistence,
	},
	Test: cookieCase("xbackend-session-persistence-cookie", "session-persistence-cookie"),
}

func cookieCase(route string, xBackends ...string) func(*testing.T, *confsuite.ConformanceTestSuite) {
	return func(t *testing.T, suite *confsuite.ConformanceTestSuite) {
		gwAddr := routeMustServe(t, suite, route, "/")
		xBackendsMustBeAccepted(t, suite, xBackends...)

		t.Run("The first response sets a cookie that ends with the browser's session", func(t *testing.T) {
			cookie := firstCookie(t, newVisitor(suite, gwAddr).get(t, "/"))
			require.Zero(t, cookie.MaxAge, "a cookie of lifetime Session must not have Max-Age")
			require.Empty(t, cookie.RawExpires, "a cookie of lifetime Session must not have Expires")
		})

		t.Run("Requests with the cookie reach the Pod of the first", func(t *testing.T) {
			client := newVisitor(suite, gwAddr)
			first := client.get(t, "/")
			client.mustStay(t, "/", first.pod)
		})

		t.Run("Two clients on two Pods both stay", func(t *testing.T) {
			// Without this a gateway that sends everybody to one Pod would pass.
			one := newVisitor(suite, gwAddr)
			podOfOne := one.get(t, "/").pod
			other, podOfOther := visitorWhere(t, suite, gwAddr, "/", func(pod string) bool { return pod != podOfOne })
			for range followUps {
				require.Equal(t, podOfOne, one.get(t, "/").pod, "a session left its Pod")
				require.Equal(t, podOfOther, other.get(t, "/").pod, "a session left its Pod")
			}
		})
	}
}

// HTTPRouteSessionPersistenceCookiePath holds since v1.7, which says what path a cookie has.
var HTTPRouteSessionPersistenceCookiePath = confsuite.ConformanceTest{
	ShortName:   "HTTPRouteSessionPersistenceCookiePath",
	Description: "An HTTPRoute whose sessions have the path / by default, or the one that they are given",
	Manifests:   []string{"httproute-session-persistence-cookie-path.yaml"},
	Features: []features.FeatureName{
		features.SupportGateway,
		features.SupportHTTPRoute,
		SupportHTTPRouteSessionPersistence,
	},
	Test: func(t *testing.T, suite *confsuite.ConformanceTestSuite) {
		gwAddr := routeMustServe(t, suite, "session-persistence-cookie-path", "/default/here", "/given/here")

		t.Run("The path is / by default, whatever the rule matches", func(t *testing.T) {
			cookie := firstCookie(t, newVisitor(suite, gwAddr).get(t, "/default/here"))
			require.Equal(t, "/", cookie.Path)
		})

		t.Run("The path is the one that the rule gives", func(t *testing.T) {
			client := newVisitor(suite, gwAddr)
			first := client.get(t, "/given/here")
			cookie := firstCookie(t, first)
			require.Equal(t, "/given", cookie.Path)
			require.Equal(t, "given-path", cookie.Name)
			require.True(t, client.hasCookie("/given/there", cookie.Name))
			client.mustStay(t, "/given/there", first.pod)
		})
	},
}

// visitorWhere is a client with a session whose Pod is as wanted.
func visitorWhere(t *testing.T, suite *confsuite.ConformanceTestSuite, gwAddr, path string, wanted func(pod string) bool) (*visitor, string) {
	t.Helper()
	for range attempts {
		client := newVisitor(suite, gwAddr)
		if first := client.get(t, path); wanted(first.pod) {
			return client, first.pod
		}
	}
	require.FailNowf(t, "sessions are not spread", "none of %d new clients came to a Pod as wanted", attempts)
	return nil, ""
}
