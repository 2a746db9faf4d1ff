using ControlPlane.Api;

namespace ControlPlane.Access;

/// <summary>Routes name the permission that they demand; one that names none, and is not open to everybody, is open to nobody.</summary>
internal static class RequiredPermission
{
    /// <summary>Demands a permission of <see cref="Permissions"/>.</summary>
    public static TBuilder Requires<TBuilder>(this TBuilder route, string permission, AccessTarget on = AccessTarget.Site)
        where TBuilder : IEndpointConventionBuilder => route.WithMetadata(new RequiresAttribute(permission) { On = on });

    /// <summary>Guards all routes that are mapped to the group.</summary>
    public static RouteGroupBuilder MapGuarded(this IEndpointRouteBuilder app) =>
        app.MapGroup("").AddEndpointFilter(UnreadParameters.RefuseAsync).AddEndpointFilterFactory(RouteAccess.Create);
}
