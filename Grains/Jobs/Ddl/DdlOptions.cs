namespace ControlPlane.Jobs;

/// <summary>Where the DDLs of agents come from. Section <c>Jobs:Ddl</c>.</summary>
public sealed class DdlOptions
{
    public const string Section = "Jobs:Ddl";

    /// <summary>
    /// Path of a folder with DDLs, one <c>&lt;agent&gt;.json</c> for each agent, as Choria's clients have them; it is read again when it
    /// changes. None by default: then only <c>rpcutil</c>, <c>choria_util</c>, <c>scout</c> and <c>executor</c> are known.
    /// </summary>
    public string? Folder { get; set; }

    /// <summary>
    /// Whether the service agent <c>choria_registry</c> of the local overlay is asked for what neither the folder nor we have. False by
    /// default.
    /// </summary>
    public bool UseRegistry { get; set; }
}
