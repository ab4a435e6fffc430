// Sessions in a header that the gateway issues and the client sends back.
package gep1619

import (
	"testing"

	"github.com/stretchr/testify/require"

	confsuite "sigs.k8s.io/gateway-api/conformance/utils/suite"
	"sigs.k8s.io/gateway-api/pkg/features"
)

const sessionHeader = "X-Session"

// HTTPRouteSessionPersistenceHeader is not in the plan, which has it for GRPCRoute only.
var HTTPRouteSessionPersistenceHeader = confsuite.ConformanceTest{
	ShortName:   "HTTPRouteSessionPersistenceHeader",
	Description: "An HTTPRoute whose rule keeps sessions in a header",
	Manifests:   []string{"httproute-session-persistence-header.yaml"},
	Features: []features.FeatureName{
		features.SupportGateway,
		features.SupportHTTPRoute,
		SupportHTTPRouteSessionPersistence,
		SupportHTTPRouteSessionPersistenceHeader,
	},
	Test: headerCase("session-persistence-header"),
}

// XBackendSessionPersistenceHeader is the same where the sessions belong to the backend.
var XBackendSessionPersistenceHeader = confsuite.ConformanceTest{
	ShortName:   "XBackendSessionPersistenceHeader",
	Description: "An XBackend that keeps sessions in a header",
	Manifests:   []string{"xbackend-session-persistence-header.yaml"},
	Features: []features.FeatureName{
		features.SupportGateway,
		features.SupportHTTPRoute,
		SupportXBackendSessionPersistence,
	},
	Test: headerCase("xbackend-session-persistence-header", "session-persistence-header"),
}

func headerCase(route string, xBackends ...string) func(*testing.T, *confsuite.ConformanceTestSuite) {
	return func(t *testing.T, suite *confsuite.ConformanceTestSuite) {
		gwAddr := routeMustServe(t, suite, route, "/")
		xBackendsMustBeAccepted(t, suite, xBackends...)

		t.Run("The first response has the header, and requests with it reach the same Pod", func(t *testing.T) {
			pods := map[string]bool{}
			for range attempts {
				client := newVisitor(suite, gwAddr)
				first := client.get(t, "/")
				token := first.headers.Get(sessionHeader)
				require.NotEmpty(t, token, "the first response must have the header of the session")
				require.Empty(t, first.cookies, "sessions in a header need no cookie")
				if pods[first.pod] {
					continue
				}
				pods[first.pod] = true
				client.headers[sessionHeader] = token
				client.mustStay(t, "/", first.pod)
				if len(pods) == 2 {
					return
				}
			}
			t.Fatalf("sessions are not spread: %d new clients came to the same Pod", attempts)
		})
	}
}
