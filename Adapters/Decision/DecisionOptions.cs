namespace ControlPlane.Adapters.Decision;

/// <summary>
/// Who is asked where a node goes when the placement policy says <c>decision: { external: true }</c>: a program of Choria's helper
/// contract, or a web hook. Section <c>Decision</c>. Neither by default.
/// </summary>
public sealed class DecisionOptions
{
    public const string Section = "Decision";

    /// <summary>The program, as a path; started anew for each question. It inherits the silo's user and environment.</summary>
    public string? Program { get; set; }

    /// <summary>Its arguments. None by default.</summary>
    public List<string> Arguments { get; set; } = [];

    /// <summary>How many copies of the program run at once. 1 to 256; 16 by default.</summary>
    [Between(1, 256)]
    public int ProgramsMax { get; set; } = 16;

    /// <summary>The web hook: <c>https://…</c>, or <c>http://</c> on the loopback. Redirects are not followed.</summary>
    public string? Url { get; set; }

    /// <summary>Path of the file with the bearer token that the web hook is shown. Read for each question.</summary>
    public string? TokenFile { get; set; }
}
