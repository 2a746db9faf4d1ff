using Microsoft.Extensions.Options;

namespace ControlPlane.Access;

/// <summary>How calls are recorded. Section <c>Access:Audit</c>.</summary>
public sealed class AuditOptions
{
    public const string Section = "Access:Audit";

    /// <summary>
    /// The folder on a disk of the silo's machine where each record is written and synced, besides the brokers, before its call goes on.
    /// It must be this silo's alone. None by default; needed where brokers may lose with their power what they acknowledged.
    /// </summary>
    public string? Folder { get; set; }

    /// <summary>
    /// How many bytes of records the folder holds at most; when the brokers are away for so long that it is full, calls are refused.
    /// 1 MiB to 1 GiB; 256 MiB by default.
    /// </summary>
    [Between(1L << 20, 1L << 30)]
    public long FolderBytesMax { get; set; } = 256L << 20;

    /// <summary>
    /// Whether the brokers sync each write (<c>sync_interval: always</c>), which cannot be asked of them. False by default, as theirs is.
    /// </summary>
    public bool BrokerSyncsAlways { get; set; }

    /// <summary>
    /// Path of the break-glass switch: while this file is there, calls go on that only <see cref="Folder"/> records because the brokers do
    /// not answer. File and folder must belong to root or to the silo's user and be writable by nobody else. None by default.
    /// </summary>
    public string? BreakGlassFile { get; set; }

    /// <summary>
    /// Denied calls and failed sign-ins of one address that are recorded in one minute; more are counted. 1 to 10000; 60 by default.
    /// </summary>
    [Between(1, 10_000)]
    public int DeniedPerAddressMax { get; set; } = 60;

    /// <summary>The same of all addresses together, for each silo. 1 to 100000; 600 by default.</summary>
    [Between(1, 100_000)]
    public int DeniedMax { get; set; } = 600;
}

[OptionsValidator]
internal sealed partial class AuditOptionsRanges : IValidateOptions<AuditOptions>;

internal sealed class AuditOptionsValidator : IValidateOptions<AuditOptions>
{
    public ValidateOptionsResult Validate(string? name, AuditOptions options)
    {
        var faults = new ValidateOptionsResultBuilder();
        faults.AddResult(new AuditOptionsRanges().Validate(name, options));
        if (options.BreakGlassFile is not null && options.Folder is null)
        {
            faults.AddError("needs Folder: without it nothing would record the calls", nameof(options.BreakGlassFile));
        }

        if (options.BreakGlassFile is { } file && !Path.IsPathFullyQualified(file))
        {
            faults.AddError($"must be a full path, is '{file}'", nameof(options.BreakGlassFile));
        }

        return faults.Build();
    }
}
