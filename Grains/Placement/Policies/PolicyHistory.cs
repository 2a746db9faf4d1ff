namespace ControlPlane.Placement.Policies;

/// <summary>The versions of a region's policy, oldest first. Persisted with the region's head.</summary>
[GenerateSerializer, Immutable, Alias("ControlPlane.PolicyHistory")]
internal sealed record PolicyHistory([property: Id(0)] PolicyVersion[] Versions)
{
    /// <summary>How many versions are kept: traces of older ones are read without the names of their rules.</summary>
    public const int VersionsMax = 32;

    // Each time another one: a store that keeps JSON reads into what a record begins with.
    public static PolicyHistory Empty => new([]);

    public PolicyVersion? Current => Versions is [.., var last] ? last : null;

    // Said again at replay, a version replaces itself.
    public PolicyHistory With(PolicyVersion version) =>
        new([.. Versions.Where(known => known.Version < version.Version).TakeLast(VersionsMax - 1), version]);

    /// <exception cref="InvalidOperationException">It was valid when it was applied, and this program no longer reads it.</exception>
    public static PlacementPolicy Compile(PolicyVersion version)
    {
        var reading = PolicyReader.Read(version.Text, region: null);
        if (reading.Policy is { } policy)
        {
            return policy with { Version = version.Version };
        }

        var fault = reading.Faults[0];
        throw new InvalidOperationException(
            $"policy {version.Name}@{version.Version} was valid when it was applied and is not now: line {fault.Line}: {fault.Message}");
    }
}
