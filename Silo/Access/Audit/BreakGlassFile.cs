using System.Runtime.InteropServices;
using Microsoft.Extensions.Options;

namespace ControlPlane.Access;

/// <summary>The break-glass switch: a file that an operator with a shell on this machine makes, and removes.</summary>
internal sealed partial class BreakGlassFile(IOptions<AuditOptions> options, ILogger<BreakGlassFile> logger) : IBreakGlass
{
    private const int AtCurrentFolder = -100;
    private const int NoFollow = 0x100;
    private const uint BasicFacts = 0x7ff;
    private const int OwnerOffset = 20;
    private const int ModeOffset = 28;
    private const int OthersMayWrite = 0x12;
    private const int KindMask = 0xf000;
    private const int RegularFile = 0x8000;
    private const int FolderKind = 0x4000;

    private readonly Lock gate = new();
    private bool wasOn;
    private string? refused;

    public bool IsOn
    {
        get
        {
            if (options.Value.BreakGlassFile is not { } path || !File.Exists(path))
            {
                Tell(isOn: false, fault: null);
                return false;
            }

            var fault = FaultOf(path, RegularFile) ?? FaultOf(Path.GetDirectoryName(path)!, FolderKind);
            Tell(fault is null, fault);
            return fault is null;
        }
    }

    private void Tell(bool isOn, string? fault)
    {
        lock (gate)
        {
            if (isOn != wasOn)
            {
                wasOn = isOn;
                LogSwitched(isOn ? "on" : "off", options.Value.BreakGlassFile!);
            }

            if (fault is not null && fault != refused)
            {
                LogRefused(options.Value.BreakGlassFile!, fault);
            }

            refused = fault;
        }
    }

    // Whoever may only write somewhere on this machine must not be able to switch it.
    private static string? FaultOf(string path, int kind)
    {
        var facts = new byte[256];
        if (ReadFacts(AtCurrentFolder, path, NoFollow, BasicFacts, facts) != 0)
        {
            return $"{path} cannot be looked at";
        }

        var owner = BitConverter.ToUInt32(facts, OwnerOffset);
        int mode = BitConverter.ToUInt16(facts, ModeOffset);
        return (mode & KindMask) != kind ? $"{path} is a link, or another kind of file"
            : owner != 0 && owner != OwnUser() ? $"{path} belongs to user {owner}, and not to root or to the silo's user"
            : (mode & OthersMayWrite) != 0 ? $"{path} can be written by others than its owner"
            : null;
    }

    // The one way to a file's owner that looks the same on all processors.
    [DllImport("libc", EntryPoint = "statx", CharSet = CharSet.Ansi, BestFitMapping = false, ThrowOnUnmappableChar = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int ReadFacts(int folder, [MarshalAs(UnmanagedType.LPUTF8Str)] string path, int flags, uint mask, byte[] facts);

    [DllImport("libc", EntryPoint = "geteuid")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern uint OwnUser();

    [LoggerMessage(
        LogLevel.Critical,
        "The break-glass switch {File} is {State}: while it is on and the brokers are away, calls go on that only this machine records")]
    private partial void LogSwitched(string state, string file);

    [LoggerMessage(LogLevel.Error, "The break-glass switch {File} is not obeyed: {Fault}")]
    private partial void LogRefused(string file, string fault);
}
