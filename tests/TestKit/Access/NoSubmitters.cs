using ControlPlane.Access;

namespace ControlPlane.TestKit.Access;

/// <summary>Nothing that is to be approved is known to be anybody's.</summary>
public sealed class NoSubmitters : ISubmitters
{
    public ValueTask<string?> FindAsync(AccessRequest request) => new((string?)null);
}
