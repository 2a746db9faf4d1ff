using ControlPlane.Access;
using ControlPlane.Cluster.Tests.Silo;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.AspNetCore.Routing.Patterns;

namespace ControlPlane.Cluster.Tests.Access.Policies;

/// <summary>That no route can be called without a permission.</summary>
public sealed class RoutePermissionTests
{
    // What tells nothing of the fleet is open to everybody, and so are revocation lists, which certificates point to, and where people
    // sign in. Choria's clients bring their proof in the body.
    private static IEnumerable<string> Open =>
    [
        .. Directory.GetFiles(Path.Combine(Repository.Root, "Silo", "Console", "Assets"))
            .Select(file => $"/console/{Path.GetFileName(file)}")
            .Concat(["/choria/v1/login", "/choria/v1/login/options", "/choria/v1/sign"])
            .Concat(["/access/sign-in", "/v1/access/sign-in"])
            .Concat(["/openapi/{documentName}.json", "/v1/issuers/{issuer}/crl"]).Order(StringComparer.Ordinal),
    ];

    [Fact]
    public async Task EveryRoute_DemandsAPermission_ButThoseThatTellNothing()
    {
        await using var api = await ApiHost.StartAsync();
        var routes = api.Endpoints.OfType<RouteEndpoint>().ToList();

        Assert.Contains(routes, route => PatternOf(route) == "/v1/nodes/{identity}");
        Assert.Empty(routes.SelectMany(Faults));
        Assert.Equal(Open, routes.Where(IsOpen).Select(PatternOf).Distinct().Order(StringComparer.Ordinal));
    }

    [Fact]
    public void TheCheck_FindsARouteWithoutOne_AndOneThatThereIsNot()
    {
        Assert.Equal("/a demands no permission", Assert.Single(Faults(Route("/a"))));
        Assert.Equal(
            "/a demands 'nodes.reed', which there is not", Assert.Single(Faults(Route("/a", new RequiresAttribute("nodes.reed")))));
        Assert.Empty(Faults(Route("/a", new RequiresAttribute(Permissions.NodesRead))));
        Assert.Empty(Faults(Route("/a", new AllowAnonymousAttribute())));
    }

    private static IEnumerable<string> Faults(RouteEndpoint route)
    {
        var required = route.Metadata.GetMetadata<RequiresAttribute>();
        if (required is null && !IsOpen(route))
        {
            yield return $"{PatternOf(route)} demands no permission";
        }
        else if (required is not null && !Permissions.All.Contains(required.Permission))
        {
            yield return $"{PatternOf(route)} demands '{required.Permission}', which there is not";
        }
    }

    private static bool IsOpen(RouteEndpoint route) => route.Metadata.GetMetadata<IAllowAnonymous>() is not null;

    private static string PatternOf(RouteEndpoint route) => "/" + route.RoutePattern.RawText!.TrimStart('/');

    private static RouteEndpoint Route(string pattern, params object[] metadata) => new(
        _ => Task.CompletedTask, RoutePatternFactory.Parse(pattern), order: 0, new EndpointMetadataCollection(metadata), displayName: null);
}
