namespace ControlPlane.Enrolment;

/// <summary>Nodes that were configured and did not arrive, one fewer for each that did since: a bucket that leaks by arrivals.</summary>
/// <remarks>
/// So it fills where fewer than half of the nodes arrive, however long that takes, and never where most do. A node that fails again and
/// again counts once.
/// </remarks>
internal sealed class MissingNodes
{
    private const int NamesShown = 3;

    /// <summary>The oldest first.</summary>
    private readonly List<string> nodes = [];

    public int Count => nodes.Count;

    public void Add(IEnumerable<string> missing, int arrived)
    {
        foreach (var node in missing)
        {
            nodes.Remove(node);
            nodes.Add(node);
        }

        // More than can ever be asked for says nothing more.
        nodes.RemoveRange(0, Math.Max(Math.Min(arrived, nodes.Count), nodes.Count - AdmissionOptions.BrakeMissingMost));
    }

    /// <summary>Why the brake is to stop everybody who would be configured for the overlay; null when it is not.</summary>
    public string? Judge(AdmissionOptions options) => nodes.Count >= options.BrakeMissingMin
        ? $"{nodes.Count} nodes were configured for it and restarted, and neither arrived nor came back to provisioning, "
            + $"the last of them {string.Join(", ", nodes.TakeLast(NamesShown))}; look there for why they cannot log in to the overlay's "
            + "brokers, mend it, then release the brake"
        : null;

    public void Forget() => nodes.Clear();
}
