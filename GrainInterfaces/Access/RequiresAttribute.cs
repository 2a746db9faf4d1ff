namespace ControlPlane.Access;

/// <summary>The permission that a method of the public contract, or a route, demands of its caller.</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class RequiresAttribute(string permission) : Attribute
{
    /// <summary>One of <see cref="Permissions.All"/>.</summary>
    public string Permission { get; } = permission;

    /// <summary>What the call is about, so that a policy can be judged by it.</summary>
    public AccessTarget On { get; init; }
}

/// <summary>
/// What a call is about. Of a grain the key says it; besides, a parameter that is called <c>identity</c> or <c>overlay</c> names the node
/// or the overlay, and one that is called <c>reason</c> says why, as the values of a route do.
/// </summary>
public enum AccessTarget
{
    /// <summary>The site as a whole.</summary>
    Site = 0,

    /// <summary>One node: the key is its identity.</summary>
    Node = 1,

    /// <summary>One overlay: the key is its name.</summary>
    Overlay = 2,

    /// <summary>One plan of the region: the parameter <c>id</c> is its id.</summary>
    Plan = 3,

    /// <summary>One job: the key is its id.</summary>
    Job = 4,
}
