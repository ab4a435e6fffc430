// What must hold before a case sends its first request.
package gep1619

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/wait"

	"sigs.k8s.io/gateway-api/conformance/utils/http"
	"sigs.k8s.io/gateway-api/conformance/utils/kubernetes"
	confsuite "sigs.k8s.io/gateway-api/conformance/utils/suite"
)

// routeMustServe waits until the HTTPRoute of that name is accepted, its references are resolved, and the paths are served.
// It answers the Gateway's address.
func routeMustServe(t *testing.T, suite *confsuite.ConformanceTestSuite, route string, paths ...string) string {
	t.Helper()
	routeNN := types.NamespacedName{Name: route, Namespace: confsuite.InfrastructureNamespace}
	gwNN := types.NamespacedName{Name: "same-namespace", Namespace: confsuite.InfrastructureNamespace}
	gwAddr := kubernetes.GatewayAndHTTPRoutesMustBeAccepted(t, suite.Client, suite.TimeoutConfig, suite.ControllerName, kubernetes.NewGatewayRef(gwNN), routeNN)
	kubernetes.HTTPRouteMustHaveResolvedRefsConditionsTrue(t, suite.Client, suite.TimeoutConfig, routeNN, gwNN)
	for _, path := range paths {
		http.MakeRequestAndExpectEventuallyConsistentResponse(t, suite.RoundTripper, suite.TimeoutConfig, gwAddr, http.ExpectedResponse{
			Request:   http.Request{Path: path},
			Response:  http.Response{StatusCodes: []int{200}},
			Namespace: confsuite.InfrastructureNamespace,
		})
	}
	return gwAddr
}

var xBackend = schema.GroupVersionKind{Group: "gateway.networking.x-k8s.io", Version: "v1alpha1", Kind: "XBackend"}

// xBackendsMustBeAccepted waits until the gateway has told so in the status of each, for some ancestor.
func xBackendsMustBeAccepted(t *testing.T, suite *confsuite.ConformanceTestSuite, names ...string) {
	t.Helper()
	timeout := suite.TimeoutConfig.HTTPRouteMustHaveCondition
	interval := suite.TimeoutConfig.DefaultPollInterval
	for _, name := range names {
		err := wait.PollUntilContextTimeout(t.Context(), interval, timeout, true, func(ctx context.Context) (bool, error) {
			backend := &unstructured.Unstructured{}
			backend.SetGroupVersionKind(xBackend)
			nn := types.NamespacedName{Name: name, Namespace: confsuite.InfrastructureNamespace}
			if err := suite.Client.Get(ctx, nn, backend); err != nil {
				return false, err
			}
			ancestors, _, err := unstructured.NestedSlice(backend.Object, "status", "ancestors")
			return isAccepted(ancestors, suite.ControllerName, backend.GetGeneration()), err
		})
		require.NoErrorf(t, err, "XBackend %s must be Accepted", name)
	}
}

func isAccepted(ancestors []any, controllerName string, generation int64) bool {
	for _, ancestor := range ancestors {
		entry, _ := ancestor.(map[string]any)
		if entry["controllerName"] != controllerName {
			continue
		}
		conditions, _, _ := unstructured.NestedSlice(entry, "conditions")
		for _, condition := range conditions {
			one, _ := condition.(map[string]any)
			if one["type"] == "Accepted" && one["status"] == "True" && one["observedGeneration"] == generation {
				return true
			}
		}
	}
	return false
}
