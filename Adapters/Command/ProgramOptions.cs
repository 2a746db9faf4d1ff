using System.ComponentModel.DataAnnotations;

namespace ControlPlane.Adapters.Command;

/// <summary>A program that answers questions, one JSON object each, as Choria Provisioner's helper.</summary>
public abstract class ProgramOptions
{
    /// <summary>The program, as a path. Required. It inherits the silo's user and environment.</summary>
    [Required]
    public string Program { get; set; } = "";

    /// <summary>Its arguments. None by default.</summary>
    public List<string> Arguments { get; set; } = [];

    /// <summary>
    /// How long it may take for one answer before it is killed with all that it started. 1 second to 1 minute; 10 seconds by default,
    /// Choria's own.
    /// </summary>
    [Between("00:00:01", "00:01:00")]
    public TimeSpan TimeLimit { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>
    /// How many copies are kept running, each given one question a line and answering one line. 0 to 64; 0, the default, starts the
    /// program anew for each question as Choria does.
    /// </summary>
    [Between(0, 64)]
    public int PersistentWorkers { get; set; }

    /// <summary>How many copies run at once when none is kept. 1 to 256; 16 by default.</summary>
    [Between(1, 256)]
    public int ProgramsMax { get; set; } = 16;

    /// <summary>How long what it defers waits. 1 second to 1 hour; 30 seconds by default.</summary>
    [Between("00:00:01", "01:00:00")]
    public TimeSpan DeferFor { get; set; } = TimeSpan.FromSeconds(30);
}
