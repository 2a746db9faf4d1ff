namespace ControlPlane.Configuration;

/// <summary>What an operator knows to be open and wants all the same. Section <c>Risks</c>.</summary>
public sealed class RisksOptions
{
    public const string Section = "Risks";

    /// <summary>
    /// Names of risks, as <c>config check</c> and <c>docs/SECURITY.md</c> give them. A silo does not start with a risk that is not named
    /// here, and says those that are at each start. None by default.
    /// </summary>
    public List<string> Accepted { get; set; } = [];
}
