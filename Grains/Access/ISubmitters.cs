namespace ControlPlane.Access;

/// <summary>Says who made what is to be approved, for the rule that it takes two. Thread-safe.</summary>
public interface ISubmitters
{
    /// <returns>The principal; null when there is no such thing, or nobody is known to have made it.</returns>
    ValueTask<string?> FindAsync(AccessRequest request);
}
