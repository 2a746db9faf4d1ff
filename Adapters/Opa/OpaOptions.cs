namespace ControlPlane.Adapters.Opa;

/// <summary>
/// The Open Policy Agent that is asked besides the access policy, for the permissions that the policy names under <c>external</c>. Section
/// <c>Access:Opa</c>. None by default.
/// </summary>
public sealed class OpaOptions
{
    public const string Section = "Access:Opa";

    /// <summary>Where it listens: <c>https://…</c>, or <c>http://</c> on the loopback.</summary>
    public string? Url { get; set; }

    /// <summary>
    /// The document that decides, by its path below <c>/v1/data</c>: it is <c>true</c> or <c>false</c>, or an object with <c>allow</c> and,
    /// where it likes, <c>reason</c>. <c>controlplane/allow</c> by default.
    /// </summary>
    public string Path { get; set; } = "controlplane/allow";

    /// <summary>Path of the file with the bearer token that it is shown. Read for each question.</summary>
    public string? TokenFile { get; set; }
}
