using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace ControlPlane.Adapters.Fleet.Signing;

/// <summary>The users in force. Thread-safe.</summary>
internal sealed partial class UserLists
{
    private readonly ILogger<UserLists> logger;
    private readonly WatchedFiles<UserList>? files;

    public UserLists(IOptions<ChoriaSigningOptions> options, TimeProvider time, ILogger<UserLists> logger)
    {
        this.logger = logger;
        files = options.Value.UserFiles.Count == 0 ? null : new(options.Value.UserFiles, () => Read(options.Value), time, Tell);
    }

    public UserList Current() => files?.Current ?? UserList.None;

    private static FilesRead<UserList> Read(ChoriaSigningOptions options)
    {
        var list = UserList.Read(options.UserFiles, options.Organization, out var faults);
        return new(list, faults) { Also = list.Files };
    }

    private void Tell(FilesRead<UserList> read)
    {
        if (read.Faults.Count == 0)
        {
            LogRead(read.Content!.Users.Count);
        }
        else
        {
            LogKept(string.Join("; ", read.Faults));
        }
    }

    [LoggerMessage(LogLevel.Information, "Read {Users} users of Choria's command line")]
    private partial void LogRead(int users);

    [LoggerMessage(LogLevel.Error, "The users of Choria's command line changed and cannot be read; the last good ones stay in force: {Faults}")]
    private partial void LogKept(string faults);
}
