// Sessions that belong to a rule, as they did up to v1.6; since v1.7 they belong to a backend.
package gep1619

import (
	"testing"

	"github.com/stretchr/testify/require"

	confsuite "sigs.k8s.io/gateway-api/conformance/utils/suite"
	"sigs.k8s.io/gateway-api/pkg/features"
)

// HTTPRouteSessionPersistenceRuleScope is the plan's case of two rules with one Service.
var HTTPRouteSessionPersistenceRuleScope = confsuite.ConformanceTest{
	ShortName:   "HTTPRouteSessionPersistenceRuleScope",
	Description: "An HTTPRoute with two rules that share a Service and no sessions",
	Manifests:   []string{"httproute-session-persistence-rule-scope.yaml"},
	Features: []features.FeatureName{
		features.SupportGateway,
		features.SupportHTTPRoute,
		SupportHTTPRouteSessionPersistence,
	},
	Test: func(t *testing.T, suite *confsuite.ConformanceTestSuite) {
		gwAddr := routeMustServe(t, suite, "session-persistence-rule-scope", "/a", "/b")

		t.Run("Each rule begins and keeps a session of its own", func(t *testing.T) {
			for _, path := range []string{"/a", "/b"} {
				client := newVisitor(suite, gwAddr)
				first := client.get(t, path)
				firstCookie(t, first)
				client.mustStay(t, path, first.pod)
			}
		})

		t.Run("A client of both rules has a Pod at each, and it need not be the same", func(t *testing.T) {
			for range attempts {
				client := newVisitor(suite, gwAddr)
				atA := client.get(t, "/a")
				atB := client.get(t, "/b")
				firstCookie(t, atA)
				firstCookie(t, atB)
				if atA.pod == atB.pod {
					continue
				}
				for range followUps {
					require.Equal(t, atA.pod, client.get(t, "/a").pod, "the session at /a left its Pod")
					require.Equal(t, atB.pod, client.get(t, "/b").pod, "the session at /b left its Pod")
				}
				return
			}
			t.Fatalf("none of %d new clients came to two Pods: the rules share a session", attempts)
		})
	},
}
