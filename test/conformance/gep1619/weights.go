// Sessions at backends that share the requests of a rule by weight.
package gep1619

import (
	"maps"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	confsuite "sigs.k8s.io/gateway-api/conformance/utils/suite"
	"sigs.k8s.io/gateway-api/conformance/utils/weight"
	"sigs.k8s.io/gateway-api/pkg/features"
)

var weights = map[string]float64{
	confsuite.InfraBackendServiceNameV1: 0.7,
	confsuite.InfraBackendServiceNameV2: 0.3,
}

// HTTPRouteSessionPersistenceWeightsOfNewSessions holds up to v1.6: weights say where sessions begin, and no more.
var HTTPRouteSessionPersistenceWeightsOfNewSessions = confsuite.ConformanceTest{
	ShortName:   "HTTPRouteSessionPersistenceWeightsOfNewSessions",
	Description: "An HTTPRoute with weighted backends whose sessions begin by weight and then stay",
	Manifests:   []string{"httproute-session-persistence-weights.yaml"},
	Features: []features.FeatureName{
		features.SupportGateway,
		features.SupportHTTPRoute,
		SupportHTTPRouteSessionPersistence,
	},
	Test: func(t *testing.T, suite *confsuite.ConformanceTestSuite) {
		gwAddr := routeMustServe(t, suite, "session-persistence-weights", "/")

		t.Run("New sessions are distributed by weight", func(t *testing.T) {
			mustBeWeighted(t, func() (string, error) {
				first, err := newVisitor(suite, gwAddr).try(t, "/")
				return first.pod, err
			})
		})

		for _, backend := range slices.Sorted(maps.Keys(weights)) {
			t.Run("Sessions at "+backend+" stay there", func(t *testing.T) {
				client, pod := visitorWhere(t, suite, gwAddr, "/", func(pod string) bool { return isOf(pod, backend) })
				client.mustStay(t, "/", pod)
			})
		}
	},
}

// HTTPRouteSessionPersistenceWeightsOfRequests holds since v1.7: no session overrides the choice of a backend.
var HTTPRouteSessionPersistenceWeightsOfRequests = confsuite.ConformanceTest{
	ShortName:   "HTTPRouteSessionPersistenceWeightsOfRequests",
	Description: "An HTTPRoute with weighted backends whose sessions do not override the weights",
	Manifests:   []string{"httproute-session-persistence-weights.yaml"},
	Features: []features.FeatureName{
		features.SupportGateway,
		features.SupportHTTPRoute,
		SupportHTTPRouteSessionPersistence,
	},
	Test: func(t *testing.T, suite *confsuite.ConformanceTestSuite) {
		gwAddr := routeMustServe(t, suite, "session-persistence-weights", "/")
		requestsMustBeWeighted(t, suite, gwAddr)
	},
}

// XBackendSessionPersistenceWeights is the same with sessions of their own at each backend.
var XBackendSessionPersistenceWeights = confsuite.ConformanceTest{
	ShortName:   "XBackendSessionPersistenceWeights",
	Description: "An HTTPRoute with weighted XBackends, each of which keeps sessions among its own endpoints",
	Manifests:   []string{"xbackend-session-persistence-weights.yaml"},
	Features: []features.FeatureName{
		features.SupportGateway,
		features.SupportHTTPRoute,
		SupportXBackendSessionPersistence,
	},
	Test: func(t *testing.T, suite *confsuite.ConformanceTestSuite) {
		gwAddr := routeMustServe(t, suite, "xbackend-session-persistence-weights", "/")
		xBackendsMustBeAccepted(t, suite, "session-persistence-v1", "session-persistence-v2")
		requestsMustBeWeighted(t, suite, gwAddr)

		t.Run("A client has one Pod at each backend", func(t *testing.T) {
			client := newVisitor(suite, gwAddr)
			pods := map[string]string{}
			for range 2 * followUps {
				pod := client.get(t, "/").pod
				for backend := range weights {
					if !isOf(pod, backend) {
						continue
					}
					if known, visited := pods[backend]; visited {
						require.Equalf(t, known, pod, "the session at %s left its Pod", backend)
					}
					pods[backend] = pod
				}
			}
			require.Len(t, pods, len(weights), "every backend must get requests of the client")
		})
	},
}

// requestsMustBeWeighted has one client, with all its cookies, send what is counted.
func requestsMustBeWeighted(t *testing.T, suite *confsuite.ConformanceTestSuite, gwAddr string) {
	t.Helper()
	t.Run("Requests of a client with sessions are distributed by weight", func(t *testing.T) {
		client := newVisitor(suite, gwAddr)
		firstCookie(t, client.get(t, "/"))
		mustBeWeighted(t, func() (string, error) {
			next, err := client.try(t, "/")
			return next.pod, err
		})
	})
}

func mustBeWeighted(t *testing.T, send func() (pod string, err error)) {
	t.Helper()
	sender := weight.NewFunctionBasedSender(send)
	for i := range weight.MaxTestRetries {
		err := weight.TestWeightedDistribution(sender, weights)
		if err == nil {
			return
		}
		t.Logf("Traffic distribution test failed (%d/%d): %s", i+1, weight.MaxTestRetries, err)
	}
	t.Fatal("Weighted distribution tests failed")
}
